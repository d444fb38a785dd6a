"""Changes all conversations of a person, a batch in each transaction, so that none holds locks for
long."""

from collections.abc import Awaitable, Callable

from koine.engine.core.engine import Engine
from koine.model.actor import Actor, operator
from koine.model.conversation import Conversation
from koine.store.conversations import conversations
from koine.store.core.db import Tx

BATCH_SIZE = 20
"""Conversations of each kind (as participant, as assignee, with a ticket) in one transaction."""
_PEOPLE = 100

Batch = Callable[[Tx, int, Actor, str], Awaitable[int]]
"""Changes a batch of a person's conversations; returns how many, 0 when none is left."""
FindPeople = Callable[[Tx, int], Awaitable[list[str]]]
"""The ids of people of the tenant that have such conversations, so many at most."""


async def change_all(engine: Engine, tenant_id: str, batch: Batch, identity_id: str) -> int:
    """Change all conversations of the person; returns how many there were."""
    count = 0
    actor = operator(tenant_id)
    while done := await engine.db.write(tenant_id, batch, engine.clock.now(), actor, identity_id):
        count += done
    return count


async def change_all_people(engine: Engine, tenant_id: str, batch: Batch, find: FindPeople) -> int:
    """As `change_all`, of all people that are found."""
    count = 0
    while found := await engine.db.read_long(tenant_id, find, _PEOPLE):
        for identity_id in found:
            count += await change_all(engine, tenant_id, batch, identity_id)
    return count


async def lock_all_tx(tx: Tx, ids: list[str]) -> list[Conversation]:
    """Lock the conversations, without those that are gone. The ids are in order, so that this
    cannot deadlock with other changes."""
    return [found for each in ids if (found := await conversations.lock(tx, each)) is not None]
