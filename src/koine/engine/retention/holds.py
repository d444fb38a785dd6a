"""Legal holds: while one is there, what it is about is not deleted, neither by retention nor by
hand."""

from msgspec.structs import replace

from koine.engine.auth import access
from koine.engine.core.operations import read_tx, write_tx
from koine.engine.core.recorder import record_audit
from koine.model.actor import Actor
from koine.model.errors import Conflict, Invalid, NotFound
from koine.model.permissions import MANAGE_TENANT
from koine.model.retention import HOLD_KINDS, HoldKind, LegalHold
from koine.store import tenants
from koine.store.conversations import conversations
from koine.store.core.db import Tx
from koine.store.events import event_log_state
from koine.store.people import identities
from koine.store.retention import holds

MAX_HOLDS = 10_000
"""Holds of one tenant."""
LONGEST_REASON = 1000
"""Characters."""


@read_tx
async def list_all(tx: Tx, actor: Actor) -> list[LegalHold]:
    """The tenant's holds, oldest first. Raises Forbidden."""
    access.require(actor, MANAGE_TENANT)
    return await holds.list_all(tx)


@write_tx
async def place(
    tx: Tx, now: int, actor: Actor, kind: HoldKind, subject_id: str, reason: str
) -> LegalHold:
    """Hold the tenant, a conversation, or the conversations of a contact or user; a second time it
    changes the reason. When this returns, nothing more of it is deleted.

    Raises Forbidden, Invalid, NotFound(kind), Conflict("too_many").
    """
    access.require(actor, MANAGE_TENANT)
    if kind not in HOLD_KINDS:
        raise Invalid("kind", "unknown", f"must be one of {', '.join(HOLD_KINDS)}")
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise Invalid("reason", "length", f"must have 1 to {LONGEST_REASON} characters")
    # Every batch that deletes locks the tenant, too: one that has begun ends before this goes on.
    await tenants.lock(tx)
    if not await _exists(tx, kind, subject_id):
        raise NotFound(kind)
    before = await holds.get(tx, subject_id)
    if before is None and len(await holds.list_all(tx)) >= MAX_HOLDS:
        raise Conflict("too_many", f"a tenant has at most {MAX_HOLDS} holds")
    if kind == "tenant":
        await event_log_state.raise_own_floor(tx, await event_log_state.retention_floor(tx))
    by = actor.key_id or actor.identity_id
    hold = replace(before or LegalHold(subject_id, kind, reason, by, now), reason=reason)
    await holds.save(tx, hold)
    await record_audit(tx, now, actor, "hold", kind, subject_id, reason=reason)
    return hold


@write_tx
async def release(tx: Tx, now: int, actor: Actor, subject_id: str) -> LegalHold:
    """Release a hold; returns it as it was. Raises Forbidden, NotFound("hold")."""
    access.require(actor, MANAGE_TENANT)
    found = await holds.get(tx, subject_id)
    if found is None:
        raise NotFound("hold")
    await holds.delete_one(tx, subject_id)
    await record_audit(tx, now, actor, "release", found.kind, subject_id, reason=found.reason)
    return found


async def _exists(tx: Tx, kind: HoldKind, subject_id: str) -> bool:
    if kind == "tenant":
        return subject_id == tx.tenant_id
    if kind == "conversation":
        return await conversations.get(tx, subject_id) is not None
    person = await identities.get(tx, subject_id)
    return person is not None and person.kind == kind
