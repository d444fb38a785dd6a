"""The actor of a credential. It is verified once and cached for a few seconds: a verification costs
as much as a whole request, and a revocation must take effect within seconds all the same."""

import msgspec

from koine.engine.auth import delegation, suspension
from koine.engine.core.engine import Engine
from koine.engine.verification.jwt import TokenError, key_id, unverified, verify_external
from koine.kit import tokens
from koine.kit.cache import TTLCache
from koine.kit.ids import canonical_id
from koine.kit.times import SECOND
from koine.model.actor import Actor
from koine.model.errors import Forbidden, Invalid, NotFound, Unauthenticated
from koine.model.permissions import PERMISSIONS, ROLE_PERMISSIONS
from koine.model.tenant import Tenant, TenantSettings
from koine.store import tenants
from koine.store.auth import credentials
from koine.store.core.db import Tx

Claims = dict[str, object]
ActorCache = TTLCache[str, Actor]


async def by_key(engine: Engine, text: str) -> Actor:
    """The actor of an API key. Raises Unauthenticated (invalid, expired, revoked),
    TenantSuspended."""
    now = engine.clock.now()
    memory = engine.credential_cache
    known = memory.get(text, now)
    if known is not None and known.kind == "key":
        return known
    prefix = tokens.api_key_prefix(text)
    key = await engine.db.read("", credentials.get_key_by_prefix, prefix) if prefix else None
    if key is None or not tokens.constant_time_equal(key.digest, tokens.sha256_hex(text)):
        raise Unauthenticated("invalid")
    actor = await engine.db.read(key.tenant_id, _by_key, now, key.id)
    _remember(engine, memory, text, actor)
    return actor


async def by_token(engine: Engine, text: str, tenant_id: str | None = None) -> Actor:
    """The actor of an access token, of this server or of the tenant's own issuer.

    `tenant_id` is what the request names, if anything (delivery.md, D). Raises Unauthenticated;
    TenantSuspended; Forbidden when it is not the tenant of the token; for a system administrator's
    token, which has no tenant, Invalid without a `tenant_id` and NotFound("tenant") for an unknown
    one or one that is being deleted. A suspended one it may enter.
    """
    actor = engine.credential_cache.get(text, engine.clock.now())
    if actor is None or actor.kind == "key":
        actor = await _verify(engine, text, tenant_id)
    if actor.tenant_id:
        if tenant_id is not None and canonical_id(tenant_id) != actor.tenant_id:
            raise Forbidden("tenant")
        return actor
    if not tenant_id:
        raise Invalid("tenant_id", "missing", "tenant_id is required")
    wanted = canonical_id(tenant_id)
    tenant = await engine.db.read(wanted, tenants.get, wanted) if wanted else None
    if wanted is None or tenant is None or tenant.is_being_deleted(engine.clock.now()):
        raise NotFound("tenant")
    return msgspec.structs.replace(actor, tenant_id=wanted)


async def _by_key(tx: Tx, now: int, key_id: str) -> Actor:
    # Read again, in the transaction that reads its creator: rights are those of one moment.
    key = await credentials.get_key(tx, key_id)
    if key is None:
        raise Unauthenticated("invalid")
    actor = await delegation.key_actor(tx, now, key)
    await suspension.require_active_tx(tx)
    return actor


async def _verify(engine: Engine, text: str, tenant_id: str | None) -> Actor:
    memory = engine.credential_cache
    try:
        claims = engine.signer.verify(text)
    except TokenError as error:
        if error.reason == "expired":
            raise Unauthenticated("expired") from None
        actor, claims = await _external(engine, text, tenant_id)
    else:
        actor = await engine.db.read(_signed_tenant(claims), _own, claims)
    actor = msgspec.structs.replace(actor, expires_at=_expiry(claims))
    _remember(engine, memory, text, actor)
    return actor


async def _own(tx: Tx, claims: Claims) -> Actor:
    """A token of this server. The user's rights are read from the database and not from the token,
    so that a role that was taken away is gone within seconds."""
    user_id = _text(claims, "sub") or ""
    if claims.get("is_system_admin") is True and not tx.tenant_id:
        return Actor(tenant_id="", kind="user", identity_id=None, is_system_admin=True)
    if "sid" in claims:
        session_id = canonical_id(_text(claims, "sid") or "")
        session = await credentials.get_session(tx, session_id) if session_id else None
        if session is None or session.revoked_at is not None:
            raise Unauthenticated("revoked")
    actor = await _user(tx, user_id)
    await suspension.require_active_tx(tx)
    return msgspec.structs.replace(actor, session_id=canonical_id(_text(claims, "sid") or ""))


async def _external(engine: Engine, text: str, tenant_id: str | None) -> tuple[Actor, Claims]:
    """A token of the tenant's own issuer. The tenant is the one that the request or the token
    names, and only that tenant's key can verify it. Role and permissions are those of the token
    (delivery.md, D). Raises Unavailable when the key must be fetched and cannot be.
    """
    named = canonical_id(tenant_id or "") or canonical_id(_unverified_tenant(text))
    tenant = await engine.db.read(named, tenants.get, named) if named else None
    issuer = _settings(tenant).token_issuer if tenant else None
    if tenant is None or issuer is None:
        raise Unauthenticated("invalid")
    try:
        key = issuer.key or await engine.issuer_keys.text(tenant.id, issuer, key_id(text))
        claims = verify_external(
            text, key, issuer.algorithm, issuer.audience, issuer.issuer, engine.clock.now()
        )
    except TokenError as error:
        raise Unauthenticated("expired" if error.reason == "expired" else "invalid") from None
    said = _text(claims, "tenant_id")
    if said is not None and canonical_id(said) != tenant.id:
        raise Unauthenticated("invalid")
    user = await engine.db.read(tenant.id, _user, _text(claims, "sub") or "")
    suspension.require_active(tenant)
    actor = msgspec.structs.replace(
        user, role=_text(claims, "role"), permissions=_permissions(claims)
    )
    return actor, claims


async def _user(tx: Tx, user_id: str) -> Actor:
    wanted = canonical_id(user_id)
    if wanted is None or not tx.tenant_id:
        raise Unauthenticated("invalid")
    return await delegation.user_actor(tx, wanted)


def _permissions(claims: Claims) -> frozenset[str]:
    named = claims.get("permissions")
    given = {p for p in named if isinstance(p, str)} if isinstance(named, list) else set()
    return (PERMISSIONS & given) | ROLE_PERMISSIONS.get(_text(claims, "role"), frozenset())


def _signed_tenant(claims: Claims) -> str:
    """The tenant of a token of this server, "" for that of its system administrator."""
    named = _text(claims, "tenant_id")
    tenant_id = "" if named is None else canonical_id(named)
    if tenant_id is None:
        raise Unauthenticated("invalid")
    return tenant_id


def _unverified_tenant(text: str) -> str:
    """The tenant that an unverified token names: only used to choose the key that verifies it."""
    try:
        return _text(unverified(text), "tenant_id") or ""
    except TokenError:
        return ""


def _settings(tenant: Tenant) -> TenantSettings:
    return msgspec.json.decode(tenant.settings, type=TenantSettings)


def _text(claims: Claims, name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) else None


def _expiry(claims: Claims) -> int | None:
    value = claims.get("exp")
    return int(value * SECOND) if isinstance(value, int | float) else None


def _remember(engine: Engine, memory: ActorCache, text: str, actor: Actor) -> None:
    until = engine.clock.now() + engine.settings.token_cache_seconds * SECOND
    ends = actor.expires_at
    memory.put(text, actor, until if ends is None else min(until, ends))
