"""API keys: returned once, stored as a digest, revoked at once."""

from typing import Literal

import msgspec
from msgspec import Struct, structs

from koine.engine.auth import access, delegation
from koine.engine.auth.delegation import Delegator
from koine.engine.core.operations import read_tx, rights_write_tx, write_tx
from koine.engine.core.recorder import record_audit
from koine.kit.ids import new_id
from koine.kit.json import json_text
from koine.kit.tokens import new_api_key
from koine.model.actor import Actor
from koine.model.credential import ApiKey
from koine.model.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from koine.model.permissions import MANAGE_TENANT, PERMISSIONS
from koine.store.auth import credentials
from koine.store.core.db import Tx
from koine.store.people import identities

_USER_GONE = "the user whom the key acts as was removed or blocked: make a key for another user"

_USER_LEFT = "the user whom it acts as was removed or blocked"
_CREATOR_LEFT = "who made it was removed or blocked, or the key that made it has ended"


class CreatedApiKey(Struct, frozen=True):
    """A new key and its secret `text`, which is returned only here."""

    key: ApiKey
    text: str


class KeyState(Struct, frozen=True):
    """Whether a key is accepted. One that is not counts as revoked for a `reason`, also when a
    removed or blocked person is the reason, or has expired."""

    state: Literal["active", "expired", "revoked"]
    reason: str | None = None

    @property
    def is_active(self) -> bool:
        """Whether the key is accepted."""
        return self.state == "active"


@write_tx
async def create(
    tx: Tx,
    now: int,
    actor: Actor,
    name: str,
    permissions: frozenset[str],
    *,
    user_id: str | None = None,
    expires_at: int | None = None,
) -> CreatedApiKey:
    """Create a key that acts as `user_id`, by default as the actor. A key never may do more than
    its creator, now or later, nor act as a user that may. Raises Forbidden, Invalid."""
    access.require(actor, MANAGE_TENANT)
    unknown = permissions - PERMISSIONS
    if unknown:
        raise Invalid(
            "permissions", "unknown", f"unknown permissions: {', '.join(sorted(unknown))}"
        )
    delegator = await _delegator(tx, now, actor, permissions)
    acts_as = await _acts_as(tx, actor, user_id or actor.identity_id)
    if expires_at is not None and expires_at <= now:
        raise Invalid("expires_at", "past", "expires_at must be in the future")
    secret = new_api_key()
    key = ApiKey(
        id=new_id(),
        tenant_id=tx.tenant_id,
        name=name,
        prefix=secret.prefix,
        digest=secret.digest,
        user_id=acts_as,
        permissions=json_text(sorted(permissions)),
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
        created_by=delegator.user_id,
        created_by_key=delegator.key_id,
    )
    await credentials.insert_key(tx, key)
    await record_audit(tx, now, actor, "create", "api_key", key.id, prefix=key.prefix)
    return CreatedApiKey(key, secret.text)


@read_tx
async def list_all(tx: Tx, actor: Actor) -> list[ApiKey]:
    """Every key of the tenant, revoked ones too. Raises Forbidden."""
    access.require(actor, MANAGE_TENANT)
    return await credentials.list_keys(tx)


@read_tx
async def list_with_states(tx: Tx, actor: Actor, now: int) -> list[tuple[ApiKey, KeyState]]:
    """As `list_all`, each with its state `now` (µs). Raises Forbidden."""
    access.require(actor, MANAGE_TENANT)
    return [(key, await _state(tx, now, key)) for key in await credentials.list_keys(tx)]


@rights_write_tx
async def revoke(tx: Tx, now: int, actor: Actor, key_id: str) -> None:
    """Revoke a key, and with it the keys and webhooks that it created. It takes effect on this node
    at once, on others within `token_cache_seconds`. Raises NotFound; Forbidden, also for a key that
    may do more than the actor, or that acts as or was created by a user that may."""
    access.require(actor, MANAGE_TENANT)
    key = await credentials.get_key(tx, key_id)
    if key is not None:
        await _require_rank(tx, now, actor, key)
    if not await credentials.revoke_key(tx, key_id, now):
        raise NotFound("api_key")
    await record_audit(tx, now, actor, "revoke", "api_key", key_id)


@rights_write_tx
async def take_over(tx: Tx, now: int, actor: Actor, key_id: str) -> ApiKey:
    """Make the actor, a user or the operator, the creator of an existing key, so that it works on,
    or again, after its creator has left. Raises NotFound for one that does not exist or was
    revoked; Forbidden for one that may do more than the actor, or acts as a user that may;
    Conflict("user") where it would not work all the same, as its user was removed or blocked."""
    access.require(actor, MANAGE_TENANT)
    key = await credentials.get_key(tx, key_id)
    if key is None:
        raise NotFound("api_key")
    is_user_there = await delegation.current_rights(tx, now, Delegator(key.user_id)) is not None
    # The keys of a removed user are revoked, and that is the more helpful reason.
    if key.revoked_at is not None and is_user_there:
        raise NotFound("api_key")
    if actor.kind == "key":
        raise Forbidden("user")
    await _require_rank(tx, now, actor, key)
    if not is_user_there:
        raise Conflict("user", _USER_GONE)
    permissions = msgspec.json.decode(key.permissions, type=frozenset[str])
    delegator = await _delegator(tx, now, actor, permissions)
    await credentials.reassign_key_creator(tx, key_id, delegator.user_id, now)
    made_by = key.created_by or key.created_by_key
    await record_audit(tx, now, actor, "take_over", "api_key", key_id, created_by=made_by)
    return structs.replace(key, created_by=delegator.user_id, created_by_key=None)


async def _state(tx: Tx, now: int, key: ApiKey) -> KeyState:
    try:
        await delegation.key_actor(tx, now, key)
    except Unauthenticated as refusal:
        if refusal.reason == "expired":
            return KeyState("expired")
        if refusal.reason == "invalid":
            return KeyState("revoked", _USER_LEFT)
        return KeyState("revoked", None if key.revoked_at is not None else _CREATOR_LEFT)
    return KeyState("active")


async def _delegator(tx: Tx, now: int, actor: Actor, permissions: frozenset[str]) -> Delegator:
    """Who delegates rights to the new key. Rights that only a token of the tenant's own issuer
    grants cannot be checked again later, so they are not delegated: Forbidden."""
    access.require_all(actor, permissions)
    delegator = delegation.delegator_of(actor)
    await delegation.check_depth(tx, delegator)
    rights = await delegation.current_rights(tx, now, delegator)
    if rights is None:
        raise Forbidden(MANAGE_TENANT)
    access.require_all(rights, permissions)
    return delegator


async def _acts_as(tx: Tx, actor: Actor, user_id: str | None) -> str:
    """The user of a new key. Raises Invalid; Forbidden for a user that may do more than the
    actor."""
    user = await identities.get(tx, user_id) if user_id else None
    if user is None or user.kind != "user" or user.removed_at is not None:
        raise Invalid("user_id", "unknown", "no such user")
    if user.id != actor.identity_id:
        access.require_all(actor, access.effective_permissions(user.role, user.permissions))
        access.require_private_notes(actor, user.role)
    return user.id


async def _require_rank(tx: Tx, now: int, actor: Actor, key: ApiKey) -> None:
    """Raise Forbidden unless the actor may do all that the key, its user and its creator may
    now."""
    holders = [Delegator(key_id=key.id)]
    holders += [Delegator(who) for who in (key.user_id, key.created_by) if who is not None]
    for each in holders:
        holds = await delegation.current_rights(tx, now, each)
        is_own = actor.kind == "user" and each.user_id == actor.identity_id
        if holds is not None and not is_own:
            access.require_all(actor, holds.permissions)
            access.require_private_notes(actor, holds.role)
