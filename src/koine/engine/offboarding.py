"""Removing a user or contact, and what becomes of their conversations: these are assigned to
nobody, the person takes part no more, and tickets go back, so that the responder goes on.

The first conversations are seen to in the transaction that removes the person, the others in
transactions of their own: nobody waits long for one. What a crash leaves undone, upkeep does.
"""

from koine.engine.conversations import participants, tickets
from koine.engine.core.context import Engine, rights_write_tx
from koine.engine.people import directory
from koine.model.actor import Actor, operator
from koine.model.conversation import Conversation
from koine.model.identity import IdentityKind
from koine.store.conversations import conversations
from koine.store.core.db import Tx
from koine.store.people import offboarding

PIECE = 20
"""Conversations of each kind (taking part, assigned, with a ticket) in one transaction."""
_PEOPLE = 100


async def remove(engine: Engine, actor: Actor, identity_id: str, kind: IdentityKind) -> None:
    """Take a user or contact out of the tenant; what they said stays. A user's sessions end, and
    the e-mail of a login and the identifier of a contact are free again. They leave their
    conversations, which are assigned to nobody. Raises Forbidden (also for a user who may do more
    than the actor), NotFound(kind), Conflict("self")."""
    if await _remove(engine, actor, identity_id, kind) >= PIECE:
        await finish(engine, actor.tenant_id, identity_id)


async def finish(engine: Engine, tenant_id: str, identity_id: str) -> int:
    """See to every conversation that is left, piece by piece; answers how many there were."""
    count = 0
    actor = operator(tenant_id)
    while done := await engine.db.write(
        tenant_id, remove_batch_tx, engine.clock.now(), actor, identity_id
    ):
        count += done
    return count


async def resume(engine: Engine, tenant_id: str) -> int:
    """Finish for everyone of the tenant who was removed and still holds something; answers how many
    conversations that were."""
    count = 0
    while found := await engine.db.read_long(tenant_id, offboarding.unfinished, _PEOPLE):
        for identity_id in found:
            count += await finish(engine, tenant_id, identity_id)
    return count


async def remove_batch_tx(tx: Tx, now: int, actor: Actor, identity_id: str) -> int:
    """See to a piece of the conversations, inside a transaction; answers how many, 0 when none is
    left. All are locked first, in one order: who changes one of them never waits in a circle."""
    ids = await offboarding.conversations_holding(tx, identity_id, PIECE)
    locked = [found for each in ids if (found := await conversations.lock(tx, each)) is not None]
    for conversation in locked:
        await _leave(tx, now, actor, conversation, identity_id)
    return len(locked)


@rights_write_tx
async def _remove(tx: Tx, now: int, actor: Actor, identity_id: str, kind: IdentityKind) -> int:
    gone = await directory.remove_tx(tx, now, actor, identity_id, kind)
    return await remove_batch_tx(tx, now, actor, gone.id)


async def _leave(tx: Tx, now: int, actor: Actor, found: Conversation, identity_id: str) -> None:
    await tickets.release_tx(tx, now, actor, found, identity_id)
    await participants.leave_tx(tx, now, found, identity_id)
