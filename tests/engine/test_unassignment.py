"""A user who is blocked is unassigned from open conversations, and its tickets are completed."""

import pytest
from msgspec import structs

from koine.engine import offboarding, unassignment
from koine.engine.auth import api_keys
from koine.engine.conversations import conversations, tickets
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.maintenance import maintenance
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.model.conversation import Conversation, NewConversation, Status
from koine.model.errors import Conflict, NotFound
from koine.model.permissions import READ_CONVERSATIONS
from koine.store.core.db import Database
from koine.store.events import events
from koine.store.people import identities
from tests.cast import Cast, make_cast

BLOCKED = PersonChanges(blocked=True)


async def assigned(cast: Cast, status: Status = "open") -> str:
    """A conversation that is Olaf's work."""
    ada = cast.acme.actor("ada")
    made = await conversations.create(
        cast.engine, ada, NewConversation(owner_id=cast.acme.id("carol"))
    )
    changes = ConversationChanges(assignee_id=cast.acme.id("olaf"), status=status)
    await conversations.change(cast.engine, ada, made.id, changes)
    return made.id


async def current(cast: Cast, conversation_id: str) -> Conversation:
    return (await conversations.get(cast.engine, cast.acme.actor("ada"), conversation_id)).one


async def block(cast: Cast) -> None:
    ada, olaf = cast.acme.actor("ada"), cast.acme.id("olaf")
    await unassignment.change_user(cast.engine, ada, olaf, BLOCKED)


async def test_open_conversations_are_unassigned_with_an_event_and_closed_ones_are_kept(
    cast: Cast,
) -> None:
    opened = [await assigned(cast, status) for status in ("open", "pending", "snoozed")]
    closed = await assigned(cast, "closed")
    db, tenant_id = cast.engine.db, cast.acme.tenant.id
    last = (await db.read("", events.log_snapshot)).last
    await block(cast)
    found = [await current(cast, each) for each in opened]
    assert [(c.assignee_id, c.responder_active) for c in found] == [(None, True)] * 3
    assert (await current(cast, closed)).assignee_id == cast.acme.id("olaf")
    log = await db.read(tenant_id, events.of_tenant_after, last, 2**60, 100)
    assert set(opened) <= {e.subject_id for e in log if e.kind == "conversation.updated"}


async def test_a_ticket_of_a_blocked_user_is_completed(cast: Cast) -> None:
    ada, conversation_id = cast.acme.actor("ada"), await assigned(cast)
    ticket = await tickets.open_(cast.engine, ada, conversation_id)
    await tickets.take(cast.engine, ada, ticket.id, cast.acme.id("olaf"))
    await block(cast)
    assert (await tickets.get(cast.engine, ada, ticket.id)).status == "completed"


async def test_many_are_unassigned_in_batches(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unassignment, "BATCH_SIZE", 2)
    made = [await assigned(cast) for _ in range(5)]
    ada, olaf = cast.acme.actor("ada"), cast.acme.id("olaf")
    await unassignment.change_user(cast.engine, ada, olaf, BLOCKED)
    assert [(await current(cast, each)).assignee_id for each in made] == [None] * 5


async def test_maintenance_unassigns_who_was_blocked_before(empty_db: Database) -> None:
    cast = await make_cast(empty_db)
    conversation_id = await assigned(cast)
    blocked = structs.replace(cast.acme.people["olaf"], blocked=True)
    await cast.engine.db.write(cast.acme.tenant.id, identities.change, blocked)
    done = await maintenance.run_once(cast.engine)
    assert done is not None and done.offboarded == 1
    assert (await current(cast, conversation_id)).assignee_id is None


async def test_nothing_is_assigned_to_a_blocked_user(cast: Cast) -> None:
    conversation_id = await assigned(cast)
    await block(cast)
    changes = ConversationChanges(assignee_id=cast.acme.id("olaf"))
    with pytest.raises(NotFound):
        await conversations.change(cast.engine, cast.acme.actor("ada"), conversation_id, changes)


async def test_the_keys_of_a_removed_user_are_revoked_and_of_a_blocked_one_refused(
    cast: Cast,
) -> None:
    ada, olaf = cast.acme.actor("ada"), cast.acme.id("olaf")
    read = frozenset({READ_CONVERSATIONS})
    made = await api_keys.create(cast.engine, ada, "k", read, user_id=olaf)

    async def state() -> tuple[str, bool, bool]:
        found = await api_keys.list_with_states(cast.engine, ada, cast.clock.now())
        ((key, state),) = [each for each in found if each[0].id == made.key.id]
        return state.state, key.revoked_at is not None, state.reason is not None

    assert await state() == ("active", False, False)
    await directory.change(cast.engine, ada, olaf, "user", BLOCKED)
    assert await state() == ("revoked", False, True)
    await directory.change(cast.engine, ada, olaf, "user", PersonChanges(blocked=False))
    assert await state() == ("active", False, False)
    await offboarding.remove(cast.engine, ada, olaf, "user")
    assert await state() == ("revoked", True, False)
    with pytest.raises(Conflict):
        await api_keys.take_over(cast.engine, ada, made.key.id)
