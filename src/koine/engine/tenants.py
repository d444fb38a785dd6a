"""Tenants: created by the operator, each with a default responder."""

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from koine.engine.auth import access
from koine.engine.core.engine import Engine
from koine.engine.core.operations import read_tx, rights_write_tx
from koine.engine.core.recorder import record_audit, record_event
from koine.engine.people import directory, references
from koine.kit.ids import new_id
from koine.kit.json import json_text
from koine.kit.lazy_import import LazyModule
from koine.kit.structs import provided_fields
from koine.model.actor import Actor, operator
from koine.model.errors import Conflict, Invalid, NotFound
from koine.model.identity import NewIdentity, ResponderVersion
from koine.model.permissions import MANAGE_TENANT, PERMISSIONS
from koine.model.tenant import Tenant, TenantSettings, TokenIssuer
from koine.store import tenants
from koine.store.core.db import Duplicate, Tx
from koine.store.people import identities

if TYPE_CHECKING:
    from koine.engine.verification import jwt_keys
else:
    jwt_keys = LazyModule("koine.engine.verification.jwt_keys")

DEFAULT_RESPONDER = "Assistant"


class TenantChanges(Struct, frozen=True, kw_only=True):
    """What to change of a tenant; UNSET leaves a field as it is."""

    name: str | UnsetType = UNSET
    support_user_ids: list[str] | UnsetType = UNSET
    token_issuer: TokenIssuer | None | UnsetType = UNSET


async def create(engine: Engine, name: str, slug: str) -> Tenant:
    """Create a tenant. Raises Conflict("exists") when the slug is taken."""
    tenant_id = new_id()
    while True:
        try:
            return await engine.db.write(
                tenant_id, _create, engine.clock.now(), operator(tenant_id), name, slug
            )
        except Duplicate as duplicate:
            # A concurrent request may have taken the same number: try the next one.
            if duplicate.constraint != tenants.NUMBER_TAKEN:
                raise Conflict("exists", f"there is a tenant {slug} already") from None


async def _create(tx: Tx, now: int, actor: Actor, name: str, slug: str) -> Tenant:
    number = await tenants.highest_number(tx) + 1
    tenant = Tenant(tx.tenant_id, number, slug, name, None, "{}", now)
    await tenants.insert_one(tx, tenant)
    responder = await directory.insert_tx(
        tx, now, NewIdentity(kind="agent", name=DEFAULT_RESPONDER)
    )
    version = ResponderVersion(new_id(), responder.id, 1, "{}", now)
    await identities.add_version(tx, version)
    tenant = structs.replace(tenant, default_responder_id=responder.id)
    await tenants.change(tx, tenant)
    await record_audit(tx, now, actor, "create", "tenant", tenant.id, slug=slug)
    return tenant


async def get_by_slug_or_id(engine: Engine, name: str) -> Tenant:
    """The tenant with this slug or id, for the command line. Raises NotFound."""
    for tenant in await list_all(engine):
        if name in (tenant.slug, tenant.id):
            return tenant
    raise NotFound("tenant")


async def list_all(engine: Engine) -> list[Tenant]:
    """Every tenant of the server, for its operator."""
    return await engine.db.read("", tenants.list_all)


@read_tx
async def get(tx: Tx, actor: Actor) -> Tenant:
    """The actor's own tenant. Raises NotFound."""
    tenant = await tenants.get(tx, actor.tenant_id)
    if tenant is None:
        raise NotFound("tenant")
    return tenant


@rights_write_tx
async def change(tx: Tx, now: int, actor: Actor, changes: TenantChanges) -> Tenant:
    """Rename the tenant or change its settings. Raises Forbidden, Invalid.

    An actor that sets the token issuer can get a token of any user: it needs every permission.
    """
    access.require(actor, MANAGE_TENANT)
    before = await tenants.lock(tx)
    if before is None:
        raise NotFound("tenant")
    values = provided_fields(changes)
    fields = sorted(values)
    name = values.pop("name", before.name)
    known = msgspec.json.decode(before.settings, type=TenantSettings)
    settings = structs.replace(known, **values)
    if settings.support_user_ids != known.support_user_ids:
        await _check_users(tx, settings.support_user_ids, known.support_user_ids)
    if settings.token_issuer != known.token_issuer:
        access.require_all(actor, PERMISSIONS)
        access.require_private_notes(actor, "tenant_admin")
        check_issuer(settings.token_issuer)
    after = structs.replace(before, name=name, settings=json_text(settings))
    await tenants.change(tx, after)
    await record_audit(tx, now, actor, "change", "tenant", after.id, fields=fields)
    await record_event(tx, now, "tenant.updated", after.id)
    return after


async def _check_users(tx: Tx, user_ids: list[str], before: list[str]) -> None:
    named = [("support_user_ids", i) for i in user_ids if i not in before]
    await references.check_users(tx, named)


def check_issuer(issuer: TokenIssuer | None) -> None:
    """Raise Invalid("token_issuer") for one whose tokens could not be verified."""
    if issuer is None:
        return
    if (issuer.key is None) == (issuer.jwks_url is None):
        raise Invalid("token_issuer", "key", "either key or jwks_url is needed")
    if issuer.key is None:
        # A symmetric key is not fetched by URL: anyone who can read it there could sign with it.
        if jwt_keys.KEY_TYPES.get(issuer.algorithm, "oct") == "oct":
            raise Invalid("token_issuer", "algorithm", "must be one with a public key")
        return
    try:
        jwt_keys.check_key(issuer.key, issuer.algorithm)
    except jwt_keys.BadKey as bad:
        raise Invalid("token_issuer", "key", str(bad)) from None
