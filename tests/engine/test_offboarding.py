"""A removed user leaves its conversations: not assigned, no participant, without tickets."""

import pytest
from msgspec import structs

from koine.engine import offboarding
from koine.engine.conversations import conversations, tickets
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.maintenance import maintenance
from koine.model.conversation import Conversation, NewConversation
from koine.model.filters import ConversationFilter
from koine.model.page import page_window
from koine.store.conversations import participants
from koine.store.core.db import Database
from koine.store.events import events
from koine.store.people import identities
from tests.cast import Cast, make_cast


async def opened(cast: Cast, assignee: str | None = "olaf", *others: str) -> str:
    """A conversation with an assignee and participants."""
    ada = cast.acme.actor("ada")
    joining = tuple((cast.acme.id(who), "member") for who in others)
    new = NewConversation(owner_id=cast.acme.id("carol"), participants=joining)  # type: ignore[arg-type]  # "member" is a role
    conversation = await conversations.create(cast.engine, ada, new)
    if assignee:
        changes = ConversationChanges(assignee_id=cast.acme.id(assignee))
        await conversations.change(cast.engine, ada, conversation.id, changes)
    return conversation.id


async def remove(cast: Cast, who: str = "olaf") -> None:
    gone = cast.acme.people[who]
    await offboarding.remove(cast.engine, cast.acme.actor("ada"), gone.id, gone.kind)


async def current(cast: Cast, conversation_id: str) -> Conversation:
    return (await conversations.get(cast.engine, cast.acme.actor("ada"), conversation_id)).one


async def active(cast: Cast, conversation_id: str) -> set[str]:
    return set(
        await cast.engine.db.read(cast.acme.tenant.id, participants.active_ids, conversation_id)
    )


async def test_a_removed_agent_has_no_assignments_and_no_participations(cast: Cast) -> None:
    conversation_id, other = await opened(cast, "olaf", "dan"), await opened(cast, "alice", "olaf")
    await remove(cast)
    freed, kept = await current(cast, conversation_id), await current(cast, other)
    assert (freed.assignee_id, freed.responder_active, freed.participant_count) == (None, True, 2)
    assert await active(cast, conversation_id) == {cast.acme.id("carol"), cast.acme.id("dan")}
    assert (kept.assignee_id, kept.responder_active) == (cast.acme.id("alice"), False)
    assert cast.acme.id("olaf") not in await active(cast, other)


async def test_an_open_ticket_is_completed_and_the_responder_activated(cast: Cast) -> None:
    ada, conversation_id = cast.acme.actor("ada"), await opened(cast, None)
    ticket = await tickets.open_(cast.engine, ada, conversation_id)
    await tickets.take(cast.engine, ada, ticket.id, cast.acme.id("olaf"))
    assert not (await current(cast, conversation_id)).responder_active
    await remove(cast)
    assert (await tickets.get(cast.engine, ada, ticket.id)).status == "completed"
    assert (await current(cast, conversation_id)).responder_active


async def test_a_ticket_goes_to_the_new_assignee_of_its_conversation(cast: Cast) -> None:
    ada, conversation_id = cast.acme.actor("ada"), await opened(cast, None)
    ticket = await tickets.open_(cast.engine, ada, conversation_id)
    await tickets.take(cast.engine, ada, ticket.id, cast.acme.id("olaf"))
    alice = cast.acme.id("alice")
    await conversations.change(
        cast.engine, ada, conversation_id, ConversationChanges(assignee_id=alice)
    )
    await remove(cast)
    after = await tickets.get(cast.engine, ada, ticket.id)
    assert (after.status, after.assignee_id) == ("ongoing", alice)
    assert not (await current(cast, conversation_id)).responder_active


async def test_an_unassigned_ticket_keeps_the_responder_inactive(cast: Cast) -> None:
    conversation_id = await opened(cast, "olaf")
    ticket = await tickets.open_(cast.engine, cast.acme.actor("ada"), conversation_id)
    await remove(cast)
    found = await current(cast, conversation_id)
    assert (found.assignee_id, found.responder_active) == (None, False)
    after = await tickets.get(cast.engine, cast.acme.actor("ada"), ticket.id)
    assert after.status == "pending"


async def test_readers_get_the_events_and_totals_are_right(cast: Cast) -> None:
    conversation_id, olaf = await opened(cast, "olaf"), cast.acme.id("olaf")
    db, tenant = cast.engine.db, cast.acme.tenant.id
    last = (await db.read("", events.log_snapshot)).last
    await remove(cast)
    log = await db.read(tenant, events.of_tenant_after, last, 2**60, 100)
    logged = {(e.kind, e.subject_id) for e in log}
    assert {("conversation.updated", conversation_id), ("participant.left", olaf)} <= logged
    for f in (ConversationFilter(assignee_id=olaf), ConversationFilter(participant_id=olaf)):
        found = await conversations.find_page(
            cast.engine, cast.acme.actor("ada"), f, page_window(1, 10)
        )
        assert (found.total, found.items) == (0, [])


async def test_many_conversations_are_left_in_batches(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offboarding, "BATCH_SIZE", 2)
    conversation_ids = [await opened(cast, "olaf") for _ in range(7)]
    await remove(cast)
    assert [
        (await current(cast, conversation_id)).assignee_id for conversation_id in conversation_ids
    ] == [None] * 7
    for conversation_id in conversation_ids:
        assert cast.acme.id("olaf") not in await active(cast, conversation_id)


async def test_maintenance_finishes_an_unfinished_removal(empty_db: Database) -> None:
    cast = await make_cast(empty_db)
    conversation_id, olaf = await opened(cast, "olaf"), cast.acme.people["olaf"]
    gone = structs.replace(olaf, removed_at=1)
    await cast.engine.db.write(cast.acme.tenant.id, identities.change, gone)
    done = await maintenance.run_once(cast.engine)
    assert done is not None and done.offboarded == 1
    assert (await current(cast, conversation_id)).assignee_id is None
    assert await offboarding.resume(cast.engine, cast.acme.tenant.id) == 0
