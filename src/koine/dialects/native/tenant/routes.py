"""The tenant, its roles, API keys and audit log."""

from msgspec import convert

from koine.dialects.native import fields, pagination
from koine.dialects.native.schemas import PageQuery
from koine.dialects.native.tenant import schemas
from koine.dialects.native.tenant.render import (
    render_audit_entry,
    render_created_key,
    render_key,
    render_tenant,
)
from koine.engine import audit_log, tenants
from koine.engine.auth import access, api_keys
from koine.engine.tenants import TenantChanges
from koine.http.request import Request
from koine.http.route import Routes
from koine.kit.outbound import Blocked, OutboundClient
from koine.model.errors import Invalid
from koine.model.permissions import ROLE_PERMISSIONS
from koine.model.tenant import TokenIssuer

TENANT_TAGS = ("Tenant",)
KEY_TAGS = ("API keys",)

routes = Routes()


@routes.get("/v1/tenant", returns=schemas.Tenant, tags=TENANT_TAGS)
async def get_tenant(request: Request[None, None]) -> schemas.Tenant:
    """Get the caller's tenant."""
    found = await tenants.get(request.engine, request.actor)
    return render_tenant(found, access.sees_settings(request.actor))


@routes.patch("/v1/tenant", body=schemas.ChangeTenant, returns=schemas.Tenant, tags=TENANT_TAGS)
async def change_tenant(request: Request[schemas.ChangeTenant, None]) -> schemas.Tenant:
    """Rename the tenant or change its settings."""
    changes = _changes(request.body)
    await _check_jwks_url(request.engine.outbound, changes)
    changed = await tenants.change(request.engine, request.actor, changes)
    return render_tenant(changed, access.sees_settings(request.actor))


@routes.get("/v1/roles", returns=schemas.Roles, tags=TENANT_TAGS)
async def list_roles(request: Request[None, None]) -> schemas.Roles:
    """List the roles and what each may do."""
    shown = [
        schemas.RolePermissions(role, sorted(held))  # type: ignore[arg-type]  # the keys are the roles
        for role, held in ROLE_PERMISSIONS.items()
    ]
    return schemas.Roles(shown, None)


@routes.get("/v1/audit", query=schemas.AuditQuery, returns=schemas.AuditEntries, tags=TENANT_TAGS)
async def list_audit_entries(request: Request[None, schemas.AuditQuery]) -> schemas.AuditEntries:
    """List who did what, newest first."""
    q = request.query
    window = pagination.parse_window(q)
    page = await audit_log.find_page(
        request.engine, request.actor, q.noun, q.action, window, request_id=q.request_id
    )
    return pagination.render_page(schemas.AuditEntries, page, render_audit_entry)


@routes.get("/v1/api-keys", query=PageQuery, returns=schemas.Keys, tags=KEY_TAGS)
async def list_keys(request: Request[None, PageQuery]) -> schemas.Keys:
    """List API keys, revoked ones too, without their secrets."""
    window = pagination.parse_window(request.query)
    everyone = await api_keys.list_all(request.engine, request.actor)
    page = pagination.slice_page(everyone, window, pagination.creation_position)
    return pagination.render_page(schemas.Keys, page, render_key)


# Not idempotent: a stored response would contain the secret.
@routes.post(
    "/v1/api-keys",
    body=schemas.CreateKey,
    returns=schemas.CreatedKey,
    status=201,
    idempotent=False,
    tags=KEY_TAGS,
)
async def create_key(request: Request[schemas.CreateKey, None]) -> schemas.CreatedKey:
    """Make an API key. Its secret is shown in this response alone."""
    body = request.body
    made = await api_keys.create(
        request.engine,
        request.actor,
        body.name,
        frozenset(body.permissions),
        user_id=fields.parse_optional_id("user_id", body.user_id),
        expires_at=fields.parse_time("expires_at", body.expires_at),
    )
    return render_created_key(made)


@routes.delete(
    "/v1/api-keys/{api_key_id}", status=204, path_types={"api_key_id": "uuid"}, tags=KEY_TAGS
)
async def revoke_key(request: Request[None, None]) -> None:
    """Revoke an API key, on every node within seconds."""
    await api_keys.revoke(request.engine, request.actor, fields.path_id(request, "api_key_id"))


@routes.post(
    "/v1/api-keys/{api_key_id}/take-over",
    returns=schemas.Key,
    path_types={"api_key_id": "uuid"},
    tags=KEY_TAGS,
)
async def take_key_over(request: Request[None, None]) -> schemas.Key:
    """Become the creator of an API key, which otherwise ends with its present creator."""
    key_id = fields.path_id(request, "api_key_id")
    return render_key(await api_keys.take_over(request.engine, request.actor, key_id))


async def _check_jwks_url(outbound: OutboundClient, changes: TenantChanges) -> None:
    issuer = changes.token_issuer
    if isinstance(issuer, TokenIssuer) and issuer.jwks_url is not None:
        try:
            await outbound.check(issuer.jwks_url)
        except Blocked as refused:
            raise Invalid("settings.token_issuer.jwks_url", "url", refused.reason) from None


def _changes(body: schemas.ChangeTenant) -> TenantChanges:
    given = fields.provided_fields(body)
    settings = given.pop("settings", None)
    if settings is not None:
        given |= fields.provided_fields(settings)
    if "support_user_ids" in given:
        named = fields.parse_ids("settings.support_user_ids", given["support_user_ids"])
        given["support_user_ids"] = [*dict.fromkeys(named)]
    if given.get("token_issuer") is not None:
        given["token_issuer"] = convert(given["token_issuer"], TokenIssuer, from_attributes=True)
    return TenantChanges(**given)
