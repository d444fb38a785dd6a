"""Remove a user or contact from the tenant and from its conversations: these are assigned to
nobody, the person is no participant any more, and its tickets are completed or assigned to another.

The first conversations are changed in the transaction that removes the person, the others in
batches, so that no transaction holds locks for long. If the process ends before the last batch,
maintenance does the rest.
"""

from koine.engine.conversations import participants, person_batches, tickets
from koine.engine.conversations.person_batches import BATCH_SIZE
from koine.engine.core.engine import Engine
from koine.engine.core.operations import rights_write_tx
from koine.engine.people import directory
from koine.model.actor import Actor
from koine.model.conversation import Conversation
from koine.model.identity import IdentityKind
from koine.store import offboarding
from koine.store.core.db import Tx


async def remove(engine: Engine, actor: Actor, identity_id: str, kind: IdentityKind) -> None:
    """Remove a user or contact; its messages stay. A user's sessions end; the e-mail of a login and
    the identifier of a contact may be used again. Raises Forbidden (also for a user that may do
    more than the actor), NotFound(kind), Conflict("self")."""
    if await _remove(engine, actor, identity_id, kind) >= BATCH_SIZE:
        await finish(engine, actor.tenant_id, identity_id)


async def finish(engine: Engine, tenant_id: str, identity_id: str) -> int:
    """Change the remaining conversations, batch by batch; returns how many there were."""
    return await person_batches.change_all(engine, tenant_id, _remove_batch_tx, identity_id)


async def resume(engine: Engine, tenant_id: str) -> int:
    """Finish for all identities of the tenant that were removed and are still in conversations;
    returns how many conversations that were."""
    find = offboarding.unfinished
    return await person_batches.change_all_people(engine, tenant_id, _remove_batch_tx, find)


async def _remove_batch_tx(tx: Tx, now: int, actor: Actor, identity_id: str) -> int:
    ids = await offboarding.conversations_holding(tx, identity_id, BATCH_SIZE)
    locked = await person_batches.lock_all_tx(tx, ids)
    for conversation in locked:
        await _leave(tx, now, actor, conversation, identity_id)
    return len(locked)


@rights_write_tx
async def _remove(tx: Tx, now: int, actor: Actor, identity_id: str, kind: IdentityKind) -> int:
    gone = await directory.remove_tx(tx, now, actor, identity_id, kind)
    return await _remove_batch_tx(tx, now, actor, gone.id)


async def _leave(tx: Tx, now: int, actor: Actor, found: Conversation, identity_id: str) -> None:
    await tickets.release_tx(tx, now, actor, found, identity_id)
    await participants.leave_tx(tx, now, found, identity_id)
