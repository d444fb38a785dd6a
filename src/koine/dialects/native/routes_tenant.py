"""The tenant, the roles, API keys and the audit log."""

from msgspec import convert

from koine.dialects.native import cursors, shapes, values, wire
from koine.engine import audit_log, tenants
from koine.engine.auth import access, api_keys
from koine.engine.tenants import TenantChanges
from koine.http.request import Request
from koine.http.route import Routes
from koine.kit.outbound import Outbound, Refused
from koine.model.errors import Invalid
from koine.model.permissions import ROLE_PERMISSIONS
from koine.model.tenant import TokenIssuer

TENANT = ("Tenant",)
KEYS = ("API keys",)

routes = Routes()


@routes.get("/v1/tenant", returns=wire.Tenant, tags=TENANT)
async def get_tenant(call: Request[None, None]) -> wire.Tenant:
    """Get the caller's tenant."""
    found = await tenants.own(call.engine, call.actor)
    return shapes.tenant(found, access.sees_settings(call.actor))


@routes.patch("/v1/tenant", body=wire.ChangeTenant, returns=wire.Tenant, tags=TENANT)
async def change_tenant(call: Request[wire.ChangeTenant, None]) -> wire.Tenant:
    """Rename the tenant or change its settings."""
    changes = _changes(call.body)
    await _check_url(call.engine.outbound, changes)
    changed = await tenants.change(call.engine, call.actor, changes)
    return shapes.tenant(changed, access.sees_settings(call.actor))


@routes.get("/v1/roles", returns=wire.Roles, tags=TENANT)
async def list_roles(call: Request[None, None]) -> wire.Roles:
    """List the roles and what each may do."""
    shown = [
        wire.RoleShown(role, sorted(held))  # type: ignore[arg-type]  # the keys are the roles
        for role, held in ROLE_PERMISSIONS.items()
    ]
    return wire.Roles(shown, None)


@routes.get("/v1/audit", query=wire.AuditQuery, returns=wire.AuditEntries, tags=TENANT)
async def list_audit_entries(call: Request[None, wire.AuditQuery]) -> wire.AuditEntries:
    """List who did what, newest first."""
    q = call.query
    page = await audit_log.find(call.engine, call.actor, q.noun, q.action, cursors.window(q))
    return cursors.shown(wire.AuditEntries, page, shapes.audit_entry)


@routes.get("/v1/api-keys", query=wire.PageQuery, returns=wire.Keys, tags=KEYS)
async def list_keys(call: Request[None, wire.PageQuery]) -> wire.Keys:
    """List API keys, revoked ones too, without their secrets."""
    window = cursors.window(call.query)
    everyone = await api_keys.list_all(call.engine, call.actor)
    page = cursors.cut(everyone, window, cursors.creation)
    return cursors.shown(wire.Keys, page, shapes.key)


# An answer that is kept to be given again would keep the secret.
@routes.post(
    "/v1/api-keys",
    body=wire.CreateKey,
    returns=wire.MadeKey,
    status=201,
    idempotent=False,
    tags=KEYS,
)
async def create_key(call: Request[wire.CreateKey, None]) -> wire.MadeKey:
    """Make an API key. Its secret is shown in this answer alone."""
    body = call.body
    made = await api_keys.create(
        call.engine,
        call.actor,
        body.name,
        frozenset(body.permissions),
        user_id=values.optional_id("user_id", body.user_id),
        expires_at=values.time("expires_at", body.expires_at),
    )
    return shapes.made_key(made)


@routes.delete(
    "/v1/api-keys/{api_key_id}", status=204, path_types={"api_key_id": "uuid"}, tags=KEYS
)
async def revoke_key(call: Request[None, None]) -> None:
    """Revoke an API key; every node feels it within seconds."""
    await api_keys.revoke(call.engine, call.actor, values.path_id(call, "api_key_id"))


@routes.post(
    "/v1/api-keys/{api_key_id}/take-over",
    returns=wire.Key,
    path_types={"api_key_id": "uuid"},
    tags=KEYS,
)
async def take_key_over(call: Request[None, None]) -> wire.Key:
    """Put oneself in the place of who made an API key: it ends with its maker otherwise."""
    key_id = values.path_id(call, "api_key_id")
    return shapes.key(await api_keys.take_over(call.engine, call.actor, key_id))


async def _check_url(outbound: Outbound, changes: TenantChanges) -> None:
    issuer = changes.token_issuer
    if isinstance(issuer, TokenIssuer) and issuer.jwks_url is not None:
        try:
            await outbound.check(issuer.jwks_url)
        except Refused as refused:
            raise Invalid("settings.token_issuer.jwks_url", "url", refused.reason) from None


def _changes(body: wire.ChangeTenant) -> TenantChanges:
    given = values.changed_fields(body)
    settings = given.pop("settings", None)
    if settings is not None:
        given |= values.changed_fields(settings)
    if "support_user_ids" in given:
        named = values.ids("settings.support_user_ids", given["support_user_ids"])
        given["support_user_ids"] = [*dict.fromkeys(named)]
    if given.get("token_issuer") is not None:
        given["token_issuer"] = convert(given["token_issuer"], TokenIssuer, from_attributes=True)
    return TenantChanges(**given)
