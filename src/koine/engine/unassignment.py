"""Take the work from a user who was blocked: open conversations are assigned to nobody, and tickets
are completed or go to the assignee of their conversation (helpdesk.md, D). The user stays a
participant, and works on after being unblocked.

As in `engine/offboarding`, the first conversations are changed in the transaction that blocks the
user and the others in batches; if the process ends before the last, maintenance does the rest.
"""

from koine.engine.conversations import person_batches, tickets
from koine.engine.conversations.person_batches import BATCH_SIZE
from koine.engine.core.engine import Engine
from koine.engine.people import accounts
from koine.engine.people.directory import PersonChanges
from koine.model.actor import Actor
from koine.model.identity import Identity
from koine.store import offboarding
from koine.store.core.db import Tx


async def change_user(
    engine: Engine,
    actor: Actor,
    user_id: str,
    changes: PersonChanges,
    password: str | None = None,
) -> Identity:
    """As `accounts.change`; a user that is blocked by it is unassigned."""
    if changes.blocked is not True:
        return await accounts.change(engine, actor, user_id, changes, password)
    changed = await accounts.change(engine, actor, user_id, changes, password, then_tx=_unassign_tx)
    await finish(engine, actor.tenant_id, user_id)
    return changed


async def finish(engine: Engine, tenant_id: str, user_id: str) -> int:
    """Unassign what is left, batch by batch; returns how many conversations that were."""
    return await person_batches.change_all(engine, tenant_id, _unassign_batch_tx, user_id)


async def resume(engine: Engine, tenant_id: str) -> int:
    """Finish for all blocked users of the tenant that still have work; returns how many
    conversations that were."""
    find = offboarding.blocked_with_work
    return await person_batches.change_all_people(engine, tenant_id, _unassign_batch_tx, find)


async def _unassign_batch_tx(tx: Tx, now: int, actor: Actor, user_id: str) -> int:
    ids = await offboarding.conversations_worked_on(tx, user_id, BATCH_SIZE)
    locked = await person_batches.lock_all_tx(tx, ids)
    for conversation in locked:
        await tickets.release_tx(tx, now, actor, conversation, user_id)
    return len(locked)


async def _unassign_tx(tx: Tx, now: int, actor: Actor, user: Identity) -> None:
    await _unassign_batch_tx(tx, now, actor, user.id)
