"""Login sessions: a short-lived access token, and a refresh token that is rotated at each use."""

from typing import Final, Literal

import structlog
from msgspec import Struct

from koine.engine.auth import access, suspension
from koine.engine.core.engine import Engine
from koine.engine.core.operations import rights_write_tx
from koine.engine.core.recorder import record_anonymous_audit, record_audit
from koine.engine.verification import password_rules, passwords
from koine.kit import metrics, tokens
from koine.kit.ids import canonical_id, new_id
from koine.kit.times import DAY
from koine.model.actor import Actor
from koine.model.credential import Login, Session
from koine.model.errors import Conflict, Invalid, NotFound, Unauthenticated
from koine.model.identity import Identity
from koine.model.permissions import MANAGE_TENANT
from koine.store import tenants
from koine.store.auth import credentials
from koine.store.core.db import Duplicate, Tx
from koine.store.people import identities

_log = structlog.get_logger("koine")
_WEAK = {
    "too_short": f"password must have at least {password_rules.SHORTEST} characters",
    "too_long": f"password must have at most {password_rules.LONGEST} characters",
    "common": "password is too easy to guess: choose another",
}
_REUSED: Final = "reused"


class LoggedIn(Struct, frozen=True):
    """What a login returns. `expires_in` is for how many seconds the access token is valid."""

    access_token: str
    refresh_token: str
    expires_in: int
    tenant_id: str
    user: Identity


class HashedPassword(Struct, frozen=True):
    """A password that is about to be set, and its hash. Only the hash is stored."""

    text: str
    hashed: str

    def __repr__(self) -> str:
        return "HashedPassword(…)"


class _Rotation(Struct, frozen=True):
    """The exchange of a refresh token for the next: the digests of both, when the session then ends
    (µs), and whether this server issued the token."""

    session_id: str
    digest: str
    next_digest: str
    until: int
    was_given: bool
    address: str | None


async def set_password(engine: Engine, actor: Actor, user_id: str, password: str) -> None:
    """Set a user's password; every session of theirs ends. Raises Forbidden (also for a user who
    may do more than the actor), NotFound("user"), Invalid for a short one or a user without
    e-mail, Conflict("exists") for a taken e-mail."""
    if actor.kind != "user" or user_id != actor.identity_id:
        access.require(actor, MANAGE_TENANT)
    new = await hash_checked(engine, password)
    try:
        await _set_password(engine, actor, user_id, new)
    except Duplicate:
        raise Conflict("exists", "another user has this e-mail") from None


async def hash_checked(engine: Engine, password: str) -> HashedPassword:
    """A password that is not too weak by itself. Raises Invalid("password"), Unavailable."""
    weakness = password_rules.weakness(password)
    if weakness is not None:
        raise Invalid("password", weakness, _WEAK[weakness])
    hashed = await engine.password_pool.run(passwords.hash_password, password)
    return HashedPassword(password, hashed)


async def log_in(
    engine: Engine,
    email: str,
    password: str,
    tenant_id: str | None = None,
    *,
    address: str | None = None,
) -> LoggedIn:
    """Log a user in by e-mail and password; the client's `address` goes into the audit log. Raises
    Unauthenticated("invalid") for every kind of mismatch, after the same work, so that neither the
    error nor its time reveals which e-mails exist; Conflict("tenant") when the pair is valid in
    several tenants; TenantSuspended; Unavailable while too many others log in."""
    logins = await engine.db.read("", credentials.get_logins_by_email, email.strip().lower())
    if tenant_id is not None:
        logins = [login for login in logins if login.tenant_id == canonical_id(tenant_id)]
    matching = await engine.password_pool.run(_matching, logins, password)
    if not matching:
        if not logins:
            _log.warning("a login failed", address=address)
        for login in logins:
            await record_failed_login(engine, login.tenant_id, login.user_id, address)
        metrics.FAILED_LOGINS.labels("wrong_password" if logins else "unknown_email").inc()
        raise Unauthenticated("invalid")
    if len(matching) > 1:
        metrics.FAILED_LOGINS.labels("several_tenants").inc()
        raise Conflict("tenant", "several tenants know this login: name the tenant_id")
    login = matching[0]
    return await _open(engine, login.tenant_id, login.user_id, address)


async def record_failed_login(
    engine: Engine, tenant_id: str, user_id: str, address: str | None
) -> None:
    """Log and count a wrong password for a user; some of the calls write an audit entry for all so
    far."""
    _log.warning("a login failed", tenant=tenant_id, user=user_id, address=address)
    now = engine.clock.now()
    count = engine.failed_logins.failed(tenant_id, user_id, now)
    if count:
        await engine.db.write(tenant_id, _record_failed_logins, now, user_id, count, address)


async def _record_failed_logins(
    tx: Tx, now: int, user_id: str, count: int, address: str | None
) -> None:
    await record_anonymous_audit(
        tx, now, "fail_log_in", "user", user_id, address=address, count=count
    )


async def refresh(engine: Engine, text: str, *, address: str | None = None) -> LoggedIn:
    """Exchange a refresh token for the next pair of tokens. Raises Unauthenticated,
    TenantSuspended (the token can be used again once the tenant is resumed).

    A token that was used before ends its session, since two parties hold it and one of them stole
    it. A token that this server never issued ends nothing, or anyone could end sessions by ids.
    """
    tenant_id, session_id, secret = _split(text)
    now = engine.clock.now()
    next_text = _refresh_token(engine, tenant_id, session_id)
    rotation = _Rotation(
        session_id,
        tokens.sha256_hex(f"{tenant_id}.{session_id}.{secret}"),
        tokens.sha256_hex(next_text),
        now + engine.settings.refresh_token_days * DAY,
        was_given=engine.stateless_secrets.verify(f"{tenant_id}.{session_id}", secret),
        address=address,
    )
    outcome = await engine.db.write(tenant_id, _rotate, now, rotation)
    if outcome is None:
        metrics.FAILED_LOGINS.labels("refresh_token").inc()
        raise Unauthenticated("revoked")
    if outcome == _REUSED:
        engine.forget_credentials()
        metrics.FAILED_LOGINS.labels("reused_refresh_token").inc()
        raise Unauthenticated("revoked")
    return _logged_in(engine, tenant_id, session_id, outcome, next_text)


async def log_out(engine: Engine, text: str, *, address: str | None = None) -> None:
    """End the session whose newest refresh token this is; idempotent. Raises Unauthenticated."""
    tenant_id, session_id, secret = _split(text)
    digest = tokens.sha256_hex(f"{tenant_id}.{session_id}.{secret}")
    now = engine.clock.now()
    if not await engine.db.write(tenant_id, _end, now, session_id, digest, address):
        raise Unauthenticated("invalid")
    engine.forget_credentials()


def access_token(engine: Engine, tenant_id: str, user: Identity, ttl_s: int, sid: str = "") -> str:
    """An access token for a user (delivery.md, D: the claims)."""
    claims: dict[str, object] = {
        "sub": user.id,
        "tenant_id": tenant_id,
        "role": user.role,
        "permissions": sorted(access.effective_permissions(user.role, user.permissions)),
        "is_system_admin": False,
    }
    return engine.signer.sign(claims | ({"sid": sid} if sid else {}), ttl_s)


def system_admin_token(engine: Engine, ttl_s: int) -> str:
    """An access token for the system administrator, of no tenant (delivery.md, D)."""
    claims: dict[str, object] = {"sub": new_id(), "tenant_id": None, "permissions": []}
    return engine.signer.sign(claims | {"is_system_admin": True}, ttl_s)


async def save_password_tx(
    tx: Tx, now: int, actor: Actor, user: Identity, new: HashedPassword
) -> None:
    """Set the password of a user, whose sessions end. Raises Forbidden, Invalid without an e-mail
    or for a password made of names, and Duplicate for the e-mail of another login.

    The transaction has created or locked the user. Otherwise the login could get an e-mail that
    another transaction is just changing; and two first passwords at once could be a Duplicate,
    since PostgreSQL's upsert resolves only conflicts of the index that it names.
    """
    access.require_rank(actor, user)
    if not user.email:
        raise Invalid("email", "missing", "a user who logs in needs an e-mail")
    tenant = await tenants.get(tx, tx.tenant_id)
    names = [user.email, user.name, user.first_name, user.last_name]
    names += [tenant.name, tenant.slug] if tenant else []
    if password_rules.is_of_names(new.text, names):
        raise Invalid("password", "common", _WEAK["common"])
    await credentials.save_login(tx, Login(tx.tenant_id, user.id, user.email, new.hashed))
    await credentials.revoke_sessions_of(tx, user.id, now)
    await record_audit(tx, now, actor, "set_password", "user", user.id)


@rights_write_tx
async def _set_password(tx: Tx, now: int, actor: Actor, user_id: str, new: HashedPassword) -> None:
    user = (await identities.lock(tx, [user_id])).get(user_id)
    if user is None or user.kind != "user" or user.removed_at is not None:
        raise NotFound("user")
    await save_password_tx(tx, now, actor, user, new)


def _matching(logins: list[Login], password: str) -> list[Login]:
    """The logins that have this password. Without logins a dummy hash is verified, so that an
    unknown e-mail takes as long as a wrong password."""
    if not logins:
        passwords.verify_password(passwords.DUMMY_HASH, password)
    return [each for each in logins if passwords.verify_password(each.password_hash, password)]


async def _open(engine: Engine, tenant_id: str, user_id: str, address: str | None) -> LoggedIn:
    session_id = new_id()
    text = _refresh_token(engine, tenant_id, session_id)
    now = engine.clock.now()
    until = now + engine.settings.refresh_token_days * DAY
    session = Session(session_id, tenant_id, user_id, tokens.sha256_hex(text), now, until, None)
    failed_before = engine.failed_logins.passed(tenant_id, user_id)
    try:
        user = await engine.db.write(tenant_id, _begin, session, failed_before, address)
    except Unauthenticated:
        metrics.FAILED_LOGINS.labels("blocked").inc()
        raise
    metrics.LOGINS.inc()
    return _logged_in(engine, tenant_id, session_id, user, text)


async def _end(tx: Tx, now: int, session_id: str, digest: str, address: str | None) -> bool:
    session = await credentials.get_session(tx, session_id)
    if session is None or not tokens.constant_time_equal(session.refresh_digest, digest):
        return False
    if await credentials.revoke_session(tx, session_id, now):
        await record_audit(tx, now, _as_user(session, address), "log_out", "session", session_id)
    return True


async def _begin(tx: Tx, session: Session, failed_before: int, address: str | None) -> Identity:
    user = await _active(tx, session.user_id)
    if user is None:
        raise Unauthenticated("invalid")
    await suspension.require_active_tx(tx)
    await credentials.delete_ended_sessions_of(tx, user.id, session.created_at)
    await credentials.insert_session(tx, session)
    actor, now = _as_user(session, address), session.created_at
    detail = {"failed_before": failed_before} if failed_before else {}
    await record_audit(tx, now, actor, "log_in", "session", session.id, **detail)
    return user


async def _rotate(tx: Tx, now: int, rotation: _Rotation) -> Identity | Literal["reused"] | None:
    session = await credentials.get_session(tx, rotation.session_id)
    if session is None or session.revoked_at is not None or session.expires_at <= now:
        return None
    if rotation.was_given:
        await suspension.require_active_tx(tx)
    if await credentials.rotate(
        tx, session.id, rotation.digest, rotation.next_digest, rotation.until
    ):
        return await _active(tx, session.user_id)
    if not rotation.was_given or not await credentials.revoke_session(tx, session.id, now):
        return None
    await record_anonymous_audit(
        tx,
        now,
        "reuse_refresh_token",
        "session",
        session.id,
        address=rotation.address,
        user=session.user_id,
    )
    return _REUSED


async def _active(tx: Tx, user_id: str) -> Identity | None:
    user = await identities.get(tx, user_id)
    return None if user is None or user.removed_at is not None or user.blocked else user


def _logged_in(
    engine: Engine, tenant_id: str, session_id: str, user: Identity, text: str
) -> LoggedIn:
    seconds = engine.settings.access_token_seconds
    token = access_token(engine, tenant_id, user, seconds, session_id)
    return LoggedIn(token, text, seconds, tenant_id, user)


def _refresh_token(engine: Engine, tenant_id: str, session_id: str) -> str:
    about = f"{tenant_id}.{session_id}"
    return f"{about}.{engine.stateless_secrets.issue(about)}"


def _as_user(session: Session, address: str | None) -> Actor:
    return Actor(
        tenant_id=session.tenant_id, kind="user", identity_id=session.user_id, address=address
    )


def _split(text: str) -> tuple[str, str, str]:
    parts = text.split(".")
    if len(parts) != 3 or canonical_id(parts[0]) is None or canonical_id(parts[1]) is None:
        raise Unauthenticated("invalid")
    return parts[0].lower(), parts[1].lower(), parts[2]
