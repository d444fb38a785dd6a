"""API keys, logins and sessions. Some are read before the tenant is known, since they name it.

A function that ends a credential also writes an event, so that no caller can forget it: because of
this event every node closes the streams of the credential.
"""

from msgspec import structs
from sqlalchemy import delete, insert, or_, select, update

from koine.kit import logs
from koine.model.credential import ApiKey, Login, Session
from koine.model.event import Event, EventKind
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list, upsert
from koine.store.core.statements import Command, Query, param
from koine.store.events import events
from koine.store.tables import api_keys, logins, sessions
from koine.store.tables.base import columns_of

_NAMES_TENANT = "the credential is what names the tenant"

_KEY_BY_PREFIX = Query(
    select(*columns_of(api_keys, ApiKey)).where(api_keys.c.prefix == param("prefix")),
    ApiKey,
    crosses_tenants=_NAMES_TENANT,
)
_KEY = Query(
    select(*columns_of(api_keys, ApiKey)).where(
        api_keys.c.tenant_id == param("tenant_id"), api_keys.c.id == param("id")
    ),
    ApiKey,
)
_KEYS = Query(
    select(*columns_of(api_keys, ApiKey))
    .where(api_keys.c.tenant_id == param("tenant_id"))
    .order_by(api_keys.c.created_at, api_keys.c.id),
    ApiKey,
)
_INSERT_KEY = Command(
    insert(api_keys).values({name: param(name) for name in ApiKey.__struct_fields__})
)
_REVOKE_KEY = Command(
    update(api_keys)
    .where(
        api_keys.c.tenant_id == param("tenant_id"),
        api_keys.c.id == param("id"),
        api_keys.c.revoked_at.is_(None),
    )
    .values(revoked_at=param("now"))
)
_REVOKE_KEYS_OF = Command(
    update(api_keys)
    .where(
        api_keys.c.tenant_id == param("tenant_id"),
        api_keys.c.user_id == param("user_id"),
        api_keys.c.revoked_at.is_(None),
    )
    .values(revoked_at=param("now"))
)
_REASSIGN_KEY = Command(
    update(api_keys)
    .where(
        api_keys.c.tenant_id == param("tenant_id"),
        api_keys.c.id == param("id"),
        api_keys.c.revoked_at.is_(None),
    )
    .values(created_by=param("created_by"), created_by_key=None)
)
_LOGINS_BY_EMAIL = Query(
    select(*columns_of(logins, Login)).where(logins.c.email == param("email")),
    Login,
    crosses_tenants=_NAMES_TENANT,
)
_SAVE_LOGIN = Command(
    upsert(
        logins,
        {name: param(name) for name in Login.__struct_fields__},
        index_elements=["tenant_id", "user_id"],
        set_=lambda new: {"email": new.email, "password_hash": new.password_hash},
    )
)
_LOGIN_OF = Query(
    select(*columns_of(logins, Login)).where(
        logins.c.tenant_id == param("tenant_id"), logins.c.user_id == param("user_id")
    ),
    Login,
)
_CHANGE_LOGIN = Command(
    update(logins)
    .where(logins.c.tenant_id == param("tenant_id"), logins.c.user_id == param("user_id"))
    .values(email=param("new_email"))
)
_DELETE_LOGIN = Command(
    delete(logins).where(
        logins.c.tenant_id == param("tenant_id"), logins.c.user_id == param("user_id")
    )
)
_SESSION = Query(
    select(*columns_of(sessions, Session)).where(
        sessions.c.tenant_id == param("tenant_id"), sessions.c.id == param("id")
    ),
    Session,
)
_INSERT_SESSION = Command(
    insert(sessions).values({name: param(name) for name in Session.__struct_fields__})
)
_ROTATE = Command(
    update(sessions)
    .where(
        sessions.c.tenant_id == param("tenant_id"),
        sessions.c.id == param("id"),
        sessions.c.refresh_digest == param("old_digest"),
        sessions.c.revoked_at.is_(None),
    )
    .values(refresh_digest=param("new_digest"), expires_at=param("expires_at"))
)
_REVOKE_SESSION = Command(
    update(sessions)
    .where(
        sessions.c.tenant_id == param("tenant_id"),
        sessions.c.id == param("id"),
        sessions.c.revoked_at.is_(None),
    )
    .values(revoked_at=param("now"))
)
_REVOKE_SESSIONS_OF = Command(
    update(sessions)
    .where(
        sessions.c.tenant_id == param("tenant_id"),
        sessions.c.user_id == param("user_id"),
        sessions.c.revoked_at.is_(None),
    )
    .values(revoked_at=param("now"))
)
_DELETE_ENDED_SESSIONS_OF = Command(
    delete(sessions).where(
        sessions.c.tenant_id == param("tenant_id"),
        sessions.c.user_id == param("user_id"),
        or_(sessions.c.revoked_at.is_not(None), sessions.c.expires_at <= param("now")),
    )
)
_ENDED = (
    sessions.c.tenant_id == param("tenant_id"),
    or_(sessions.c.revoked_at < param("before"), sessions.c.expires_at < param("before")),
)
_ENDED_SESSIONS = Query(select(sessions.c.id).where(*_ENDED).limit(param("limit")), str)
_DELETE_SESSIONS = Command(delete(sessions).where(*_ENDED, in_list(sessions.c.id, "ids")))


async def get_key_by_prefix(tx: Tx, prefix: str) -> ApiKey | None:
    """The API key with this public prefix, of any tenant."""
    return await tx.one(_KEY_BY_PREFIX, prefix=prefix)


async def get_key(tx: Tx, key_id: str) -> ApiKey | None:
    """The tenant's API key with this id, also a revoked one."""
    return await tx.one(_KEY, id=key_id)


async def list_keys(tx: Tx) -> list[ApiKey]:
    """The tenant's API keys, revoked ones too, oldest first."""
    return await tx.all(_KEYS)


async def insert_key(tx: Tx, key: ApiKey) -> None:
    """Add an API key."""
    await tx.run(_INSERT_KEY, **structs.asdict(key))


async def revoke_key(tx: Tx, key_id: str, now: int) -> bool:
    """Revoke an API key and write the event; False if there is none, or it is revoked."""
    if not await tx.run(_REVOKE_KEY, id=key_id, now=now):
        return False
    await _record_change(tx, key_id, now)
    return True


async def revoke_keys_of(tx: Tx, user_id: str, now: int) -> int:
    """Revoke every API key that acts as a user, who is removed in this transaction; returns how
    many. The event about the user (`revoke_sessions_of`) is the one about its keys, too."""
    return await tx.run(_REVOKE_KEYS_OF, user_id=user_id, now=now)


async def reassign_key_creator(tx: Tx, key_id: str, user_id: str | None, now: int) -> None:
    """Make a user (None: the operator) the creator of an API key that is not revoked, and write the
    event."""
    await tx.run(_REASSIGN_KEY, id=key_id, created_by=user_id)
    await _record_change(tx, key_id, now)


async def get_logins_by_email(tx: Tx, email: str) -> list[Login]:
    """The logins with this e-mail, at most one a tenant."""
    return await tx.all(_LOGINS_BY_EMAIL, email=email)


async def save_login(tx: Tx, login: Login) -> None:
    """Set a user's e-mail and password. Raises Duplicate for a taken e-mail."""
    await tx.run(_SAVE_LOGIN, **structs.asdict(login))


async def get_login(tx: Tx, user_id: str) -> Login | None:
    """A user's login."""
    return await tx.one(_LOGIN_OF, user_id=user_id)


async def change_login(tx: Tx, user_id: str, email: str) -> None:
    """Change the e-mail of a user's login, if there is one. Raises Duplicate."""
    await tx.run(_CHANGE_LOGIN, user_id=user_id, new_email=email)


async def delete_login(tx: Tx, user_id: str) -> None:
    """Delete a user's login, if there is one."""
    await tx.run(_DELETE_LOGIN, user_id=user_id)


async def get_session(tx: Tx, session_id: str) -> Session | None:
    """The session with this id."""
    return await tx.one(_SESSION, id=session_id)


async def insert_session(tx: Tx, session: Session) -> None:
    """Add a session."""
    await tx.run(_INSERT_SESSION, **structs.asdict(session))


async def rotate(tx: Tx, session_id: str, old: str, new: str, expires_at: int) -> bool:
    """Replace the digest of the refresh token; False if `old` is not the current one."""
    changed = await tx.run(
        _ROTATE, id=session_id, old_digest=old, new_digest=new, expires_at=expires_at
    )
    return bool(changed)


async def revoke_session(tx: Tx, session_id: str, now: int) -> bool:
    """End a session and write the event; False if there is none, or it has ended."""
    if not await tx.run(_REVOKE_SESSION, id=session_id, now=now):
        return False
    await _record_change(tx, session_id, now)
    return True


async def revoke_sessions_of(tx: Tx, user_id: str, now: int) -> int:
    """End every session of a user; returns how many. The event is about the user, so the streams of
    all the user's credentials are checked again."""
    ended = await tx.run(_REVOKE_SESSIONS_OF, user_id=user_id, now=now)
    await _record_change(tx, user_id, now)
    return ended


async def delete_ended_sessions_of(tx: Tx, user_id: str, now: int) -> int:
    """Delete a user's sessions that have ended; returns how many."""
    return await tx.run(_DELETE_ENDED_SESSIONS_OF, user_id=user_id, now=now)


async def ended_sessions(tx: Tx, before: int, limit: int) -> list[str]:
    """At most `limit` of the tenant's sessions that ended before a time (µs)."""
    return await tx.all(_ENDED_SESSIONS, before=before, limit=limit)


async def delete_ended_sessions(tx: Tx, before: int, ids: list[str]) -> int:
    """Delete those of these sessions that ended before; returns how many."""
    return await tx.run(_DELETE_SESSIONS, before=before, ids=ids)


async def _record_change(tx: Tx, subject_id: str, now: int) -> None:
    kind: EventKind = "credential.changed"
    event = Event(kind, "staff", None, subject_id, None, "{}", now, logs.request_id())
    await events.append(tx, event)
