"""The current rights of a user or a key that delegated them.

A key and a webhook endpoint never may do more than their creator: each time they are used, their
rights are intersected with what the creator holds then. A user that was removed or blocked, and a
key that was revoked or has expired, holds nothing, so what they created may do nothing.
"""

import msgspec
from msgspec import Struct

from koine.engine.auth import access
from koine.engine.auth.access import effective_permissions
from koine.model.actor import Actor, operator
from koine.model.credential import ApiKey
from koine.model.errors import Invalid, Unauthenticated, UnauthenticatedReason
from koine.model.identity import Identity
from koine.store.auth import credentials
from koine.store.core.db import Tx
from koine.store.people import identities

MAX_DEPTH = 4
"""How many keys in a row may each have been created by the one before."""


class Delegator(Struct, frozen=True):
    """Who delegates rights: a key, else a user; with neither, the operator of the server."""

    user_id: str | None = None
    key_id: str | None = None


def delegator_of(actor: Actor) -> Delegator:
    """As whom the actor delegates its rights."""
    if actor.kind == "key":
        return Delegator(key_id=actor.key_id)
    return Delegator(user_id=actor.identity_id if actor.kind == "user" else None)


async def current_rights(tx: Tx, now: int, delegator: Delegator) -> Actor | None:
    """The delegator as the actor that it is now; None when it holds nothing any more: removed,
    blocked, revoked, expired. The actor's `depends_on` has the ids of users and keys whose change
    may change its rights."""
    try:
        return await _actor(tx, now, delegator, MAX_DEPTH)
    except Unauthenticated:
        return None


async def key_actor(tx: Tx, now: int, key: ApiKey) -> Actor:
    """The actor of a key, now. Raises Unauthenticated (revoked, expired; invalid when the user that
    it acts as was removed or blocked)."""
    return await _key(tx, now, key, MAX_DEPTH)


async def user_actor(tx: Tx, user_id: str) -> Actor:
    """The actor of a user, now. Raises Unauthenticated for one that was removed or blocked."""
    user = await _user(tx, user_id, "invalid")
    return Actor(
        tenant_id=tx.tenant_id,
        kind="user",
        identity_id=user.id,
        role=user.role,
        permissions=effective_permissions(user.role, user.permissions),
    )


async def check_depth(tx: Tx, delegator: Delegator) -> None:
    """Raise Invalid("key") when too many keys in a row would have created each other: each use of
    the last has to check all of them."""
    depth, key_id = 0, delegator.key_id
    while key_id is not None:
        key = await credentials.get_key(tx, key_id)
        depth, key_id = depth + 1, key.created_by_key if key else None
    if depth >= MAX_DEPTH:
        raise Invalid("key", "too_deep", f"keys make keys {MAX_DEPTH} times in a row at most")


async def _actor(tx: Tx, now: int, delegator: Delegator, depth: int) -> Actor:
    if delegator.key_id is not None:
        key = await credentials.get_key(tx, delegator.key_id) if depth else None
        if key is None:
            raise Unauthenticated("revoked")
        return await _key(tx, now, key, depth - 1)
    if delegator.user_id is not None:
        return await user_actor(tx, delegator.user_id)
    return operator(tx.tenant_id)


async def _key(tx: Tx, now: int, key: ApiKey, depth: int) -> Actor:
    if key.revoked_at is not None:
        raise Unauthenticated("revoked")
    if key.expires_at is not None and key.expires_at <= now:
        raise Unauthenticated("expired")
    await _user(tx, key.user_id, "invalid")
    maker = await _maker(tx, now, Delegator(key.created_by, key.created_by_key), depth)
    own = frozenset(msgspec.json.decode(key.permissions, type=list[str]))
    return Actor(
        tenant_id=tx.tenant_id,
        kind="key",
        identity_id=key.user_id,
        permissions=frozenset(each for each in own if maker.may(each)),
        key_id=key.id,
        expires_at=_earlier_expiry(key.expires_at, maker.expires_at),
        reads_private=access.sees_private(maker),
        depends_on=maker.depends_on | frozenset(filter(None, (maker.identity_id, maker.key_id))),
    )


async def _maker(tx: Tx, now: int, delegator: Delegator, depth: int) -> Actor:
    try:
        return await _actor(tx, now, delegator, depth)
    except Unauthenticated:
        raise Unauthenticated("revoked") from None


async def _user(tx: Tx, user_id: str, reason: UnauthenticatedReason) -> Identity:
    user = await identities.get(tx, user_id)
    if user is None or user.kind != "user" or user.removed_at is not None or user.blocked:
        raise Unauthenticated(reason)
    return user


def _earlier_expiry(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)
