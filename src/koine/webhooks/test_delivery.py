"""The button "test": a ping, posted here and now, and what came of it."""

from msgspec import structs

from koine.engine.auth import access
from koine.engine.core.context import Engine
from koine.engine.webhooks import endpoints
from koine.kit.ids import new_id
from koine.model.actor import Actor
from koine.model.errors import NotFound
from koine.model.webhook import Claim, TenantEndpoint
from koine.store.webhooks import endpoints as rows
from koine.webhooks.attempt import AttemptResult, post
from koine.webhooks.payloads import OutgoingDelivery, PayloadBuilder


async def send_ping(
    engine: Engine, actor: Actor, hook_id: str, dialect: str | None = None
) -> AttemptResult:
    """Post a ping to an endpoint (of this dialect where one is said), be it switched off; no log
    knows of it. Raises Forbidden, NotFound."""
    access.require(actor, *endpoints.WRITE)
    found = await engine.db.read(actor.tenant_id, rows.get, hook_id)
    hook = TenantEndpoint(
        **structs.asdict(endpoints.existing(found, dialect)), tenant_id=actor.tenant_id
    )
    desk = PayloadBuilder(engine)
    tenant = await desk.tenant(actor.tenant_id)
    if tenant is None:
        raise NotFound("tenant")
    told = engine.webhook_formats[hook.dialect].ping(tenant, engine.clock.now())
    claim = Claim(hook.key, 0, f"evt_{new_id().replace('-', '')}", 0, 0, None)
    return await post(engine, desk, OutgoingDelivery(claim, hook, told.body, engine.clock.now()))
