"""The "test" button: a ping that is sent at once, and what the receiver responded."""

from msgspec import structs

from koine.engine.auth import access
from koine.engine.core.engine import Engine
from koine.engine.webhooks import endpoints
from koine.kit.ids import new_id
from koine.model.actor import Actor
from koine.model.errors import NotFound
from koine.model.webhook import Claim, TenantEndpoint
from koine.store.webhooks import endpoints as rows
from koine.webhooks.attempt import AttemptResult, post
from koine.webhooks.payloads import OutgoingDelivery, PayloadBuilder


async def send_ping(
    engine: Engine, actor: Actor, endpoint_id: str, dialect: str | None = None
) -> AttemptResult:
    """Send a ping to an endpoint (of this dialect, if given), also to a disabled one. It is in no
    log. Raises Forbidden, NotFound."""
    access.require(actor, *endpoints.WRITE)
    found = await engine.db.read(actor.tenant_id, rows.get, endpoint_id)
    endpoint = TenantEndpoint(
        **structs.asdict(endpoints.existing(found, dialect)), tenant_id=actor.tenant_id
    )
    builder = PayloadBuilder(engine)
    tenant = await builder.tenant(actor.tenant_id)
    if tenant is None:
        raise NotFound("tenant")
    ping = engine.webhook_formats[endpoint.dialect].ping(tenant, engine.clock.now())
    claim = Claim(endpoint.key, 0, f"evt_{new_id().replace('-', '')}", 0, 0, None)
    return await post(
        engine, builder, OutgoingDelivery(claim, endpoint, ping.body, engine.clock.now())
    )
