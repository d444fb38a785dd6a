"""Tenants: made by the operator, each with the default responder that every workspace has."""

import msgspec
from msgspec import structs

from koine.engine import access, people
from koine.engine.engine import Engine, reads, writes
from koine.engine.ledger import note, record
from koine.kit.ids import new_id
from koine.kit.jwt_keys import BadKey, check_key
from koine.model.actor import Actor, operator
from koine.model.errors import Conflict, Invalid, NotFound
from koine.model.identity import NewIdentity, ResponderVersion
from koine.model.permissions import MANAGE_TENANT
from koine.model.tenant import Tenant, TenantSettings
from koine.store import identities, tenants
from koine.store.db import Duplicate, Tx

DEFAULT_RESPONDER = "Assistant"


async def create(engine: Engine, name: str, slug: str) -> Tenant:
    """Make a tenant. Raises Conflict("exists") when the short name is taken."""
    tenant_id = new_id()
    while True:
        try:
            return await engine.db.write(
                tenant_id, _create, engine.clock.now(), operator(tenant_id), name, slug
            )
        except Duplicate as duplicate:
            # Another may have been given the same number at the same time: the next is free.
            if duplicate.constraint != tenants.NUMBER_TAKEN:
                raise Conflict("exists", f"there is a tenant {slug} already") from None


async def _create(tx: Tx, now: int, actor: Actor, name: str, slug: str) -> Tenant:
    number = await tenants.highest_number(tx) + 1
    tenant = Tenant(tx.tenant_id, number, slug, name, None, "{}", now)
    await tenants.insert_one(tx, tenant)
    responder = await people.add(tx, now, NewIdentity(kind="agent", name=DEFAULT_RESPONDER))
    version = ResponderVersion(new_id(), responder.id, 1, "{}", now)
    await identities.add_version(tx, version)
    tenant = structs.replace(tenant, default_responder_id=responder.id)
    await tenants.change(tx, tenant)
    await note(tx, now, actor, "create", "tenant", tenant.id, slug=slug)
    return tenant


async def named(engine: Engine, name: str) -> Tenant:
    """The tenant with this short name or id, for people at a command line. Raises NotFound."""
    for tenant in await everyone(engine):
        if name in (tenant.slug, tenant.id):
            return tenant
    raise NotFound("tenant")


async def everyone(engine: Engine) -> list[Tenant]:
    """Every tenant of the server, for its operator."""
    return await engine.db.read("", tenants.all_)


@reads
async def own(tx: Tx, actor: Actor) -> Tenant:
    """The actor's own tenant. Raises NotFound."""
    tenant = await tenants.get(tx, actor.tenant_id)
    if tenant is None:
        raise NotFound("tenant")
    return tenant


@writes
async def change(
    tx: Tx, now: int, actor: Actor, name: str | None, settings: TenantSettings | None
) -> Tenant:
    """Rename the tenant or change its settings. Raises Forbidden, Invalid."""
    access.need(actor, MANAGE_TENANT)
    before = await tenants.get(tx, tx.tenant_id)
    if before is None:
        raise NotFound("tenant")
    if settings is not None:
        await _check(tx, settings)
    text = before.settings if settings is None else msgspec.json.encode(settings).decode()
    after = structs.replace(before, name=name or before.name, settings=text)
    await tenants.change(tx, after)
    await note(tx, now, actor, "change", "tenant", after.id)
    await record(tx, now, "tenant.updated", after.id)
    return after


async def _check(tx: Tx, settings: TenantSettings) -> None:
    known = await identities.by_ids(tx, settings.support_user_ids)
    strangers = [i for i in settings.support_user_ids if i not in known or known[i].kind != "user"]
    if strangers:
        raise Invalid("support_user_ids", "unknown", f"no such users: {', '.join(strangers)}")
    if settings.token_issuer is not None:
        try:
            check_key(settings.token_issuer.key, settings.token_issuer.algorithm)
        except BadKey as bad:
            raise Invalid("token_issuer", "key", str(bad)) from None
