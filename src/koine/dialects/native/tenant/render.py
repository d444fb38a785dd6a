"""From the engine's tenant, API keys and audit entries to those of the API. Pure."""

import msgspec

from koine.dialects.native import fields
from koine.dialects.native.tenant import schemas
from koine.engine.auth.api_keys import CreatedApiKey
from koine.kit.times import iso_ms
from koine.model.audit import AuditEntry
from koine.model.credential import ApiKey
from koine.model.tenant import Tenant, TenantSettings, TokenIssuer


def render_tenant(t: Tenant, with_settings: bool) -> schemas.Tenant:
    """The tenant. `with_settings` needs `access.sees_settings`."""
    settings = None
    if with_settings:
        stored = msgspec.json.decode(t.settings, type=TenantSettings)
        settings = schemas.TenantSettings(stored.support_user_ids, _issuer(stored.token_issuer))
    return schemas.Tenant(
        id=t.id,
        number=t.number,
        slug=t.slug,
        name=t.name,
        default_responder_id=t.default_responder_id,
        settings=settings,
        created_at=iso_ms(t.created_at),
    )


def render_key(k: ApiKey) -> schemas.Key:
    """An API key without its secret."""
    return schemas.Key(
        id=k.id,
        name=k.name,
        prefix=k.prefix,
        user_id=k.user_id,
        permissions=fields.raw_json(k.permissions),
        created_at=iso_ms(k.created_at),
        expires_at=fields.render_time(k.expires_at),
        revoked_at=fields.render_time(k.revoked_at),
        created_by=k.created_by,
        created_by_key=k.created_by_key,
    )


def render_created_key(made: CreatedApiKey) -> schemas.CreatedKey:
    """A new API key with its secret."""
    return schemas.CreatedKey(**msgspec.structs.asdict(render_key(made.key)), secret=made.text)


def render_audit_entry(e: AuditEntry) -> schemas.AuditEntry:
    """An entry of the audit log."""
    return schemas.AuditEntry(
        id=e.id,
        actor_kind=e.actor_kind,
        actor_id=e.actor_id,
        action=e.action,
        noun=e.noun,
        noun_id=e.noun_id,
        detail=fields.raw_json(e.detail),
        created_at=iso_ms(e.created_at),
        address=e.address,
        request_id=e.request_id,
    )


def _issuer(known: TokenIssuer | None) -> schemas.PublicTokenIssuer | None:
    if known is None:
        return None
    key = None if known.algorithm == "HS256" else known.key
    return schemas.PublicTokenIssuer(
        known.algorithm, key, known.issuer, known.audience, known.jwks_url
    )
