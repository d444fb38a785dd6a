"""The button "test": a ping, posted here and now, and what came of it."""

from msgspec import structs

from koine.engine import access, hooks
from koine.engine.engine import Engine
from koine.kit.ids import new_id
from koine.model.actor import Actor
from koine.model.errors import NotFound
from koine.model.hook import Claim, Owned
from koine.relay.letters import Desk, Letter
from koine.relay.post import Posted, post


async def ping(engine: Engine, actor: Actor, hook_id: str) -> Posted:
    """Post a ping to an endpoint, be it switched off; no log knows of it. Raises Forbidden,
    NotFound."""
    access.need(actor, *hooks.WRITE)
    found = await hooks.get(engine, actor, hook_id)
    hook = Owned(**structs.asdict(found), tenant_id=actor.tenant_id)
    desk = Desk(engine)
    tenant = await desk.tenant(actor.tenant_id)
    if tenant is None:
        raise NotFound("tenant")
    told = engine.voices[hook.dialect].ping(tenant, engine.clock.now())
    claim = Claim(hook.place, 0, f"evt_{new_id().replace('-', '')}", 0, 0, None)
    return await post(engine, desk, Letter(claim, hook, told.body))
