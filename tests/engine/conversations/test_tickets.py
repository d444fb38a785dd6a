"""Tickets: while one is open the responder is inactive, and people reply."""

import pytest

from koine.engine.conversations import conversations, tickets
from koine.kit.ids import new_id
from koine.model.conversation import Conversation, NewConversation
from koine.model.errors import Conflict, Forbidden, NotFound
from koine.model.ticket import Ticket
from tests.cast import Cast


@pytest.fixture
async def chat(cast: Cast) -> Conversation:
    new = NewConversation(owner_id=cast.acme.id("carol"))
    return await conversations.create(cast.engine, cast.acme.actor("alice"), new)


@pytest.fixture
async def ticket(cast: Cast, chat: Conversation) -> Ticket:
    return await tickets.open_(cast.engine, cast.acme.actor("alice"), chat.id)


async def now_of(cast: Cast, chat: Conversation) -> Conversation:
    return (await conversations.get(cast.engine, cast.acme.actor("alice"), chat.id)).one


async def test_opening_a_ticket_deactivates_the_responder(cast: Cast, chat: Conversation) -> None:
    ticket = await tickets.open_(cast.engine, cast.acme.actor("alice"), chat.id)
    assert (ticket.status, ticket.kind) == ("pending", "handoff")
    assert ticket.customer_id == chat.owner_id
    assert not (await now_of(cast, chat)).responder_active
    assert await tickets.get(cast.engine, cast.acme.actor("alice"), ticket.id) == ticket


async def test_one_ticket_is_open_at_a_time(cast: Cast, ticket: Ticket) -> None:
    alice = cast.acme.actor("alice")
    with pytest.raises(Conflict):
        await tickets.open_(cast.engine, alice, ticket.conversation_id)
    await tickets.complete(cast.engine, alice, ticket.id)
    cast.clock.advance(seconds=1)
    again = await tickets.open_(cast.engine, alice, ticket.conversation_id)
    assert again.id != ticket.id


async def test_taking_assigns_the_conversation(
    cast: Cast, chat: Conversation, ticket: Ticket
) -> None:
    alice = cast.acme.actor("alice")
    taken = await tickets.take(cast.engine, alice, ticket.id, cast.acme.id("ada"))
    assert (taken.status, taken.assignee_id) == ("ongoing", cast.acme.id("ada"))
    assert taken.ongoing_at == cast.clock.now()
    found = await now_of(cast, chat)
    assert found.assignee_id == cast.acme.id("ada") and not found.responder_active


async def test_another_user_takes_it_over_and_the_first_time_is_kept(
    cast: Cast, ticket: Ticket
) -> None:
    alice = cast.acme.actor("alice")
    first = await tickets.take(cast.engine, alice, ticket.id, cast.acme.id("ada"))
    cast.clock.advance(seconds=5)
    second = await tickets.take(cast.engine, alice, ticket.id, cast.acme.id("alice"))
    assert second.assignee_id == cast.acme.id("alice")
    assert second.ongoing_at == first.ongoing_at


@pytest.mark.parametrize("taken", [True, False])
async def test_completing_a_ticket_activates_the_responder(
    cast: Cast, chat: Conversation, ticket: Ticket, taken: bool
) -> None:
    alice = cast.acme.actor("alice")
    if taken:
        await tickets.take(cast.engine, alice, ticket.id, cast.acme.id("ada"))
    done = await tickets.complete(cast.engine, alice, ticket.id)
    assert (done.status, done.completed_at) == ("completed", cast.clock.now())
    found = await now_of(cast, chat)
    assert found.responder_active and found.assignee_id is None
    cast.clock.advance(seconds=1)
    assert await tickets.complete(cast.engine, alice, ticket.id) == done


async def test_a_completed_ticket_is_not_taken(cast: Cast, ticket: Ticket) -> None:
    alice = cast.acme.actor("alice")
    await tickets.complete(cast.engine, alice, ticket.id)
    with pytest.raises(Conflict):
        await tickets.take(cast.engine, alice, ticket.id, alice.identity_id or "")


async def test_only_a_user_takes_a_ticket(cast: Cast, ticket: Ticket) -> None:
    with pytest.raises(NotFound):
        await tickets.take(cast.engine, cast.acme.actor("alice"), ticket.id, cast.acme.id("carol"))


async def test_a_user_who_may_only_view_opens_no_ticket(cast: Cast, chat: Conversation) -> None:
    with pytest.raises(Forbidden):
        await tickets.open_(cast.engine, cast.acme.actor("dora"), chat.id)


@pytest.mark.parametrize(("company", "who"), [("rival", "ada"), ("acme", "olaf")])
async def test_an_outsider_finds_no_ticket(
    cast: Cast, ticket: Ticket, company: str, who: str
) -> None:
    outsider = getattr(cast, company).actor(who)
    for ticket_id in (ticket.id, new_id()):
        with pytest.raises(NotFound) as refused:
            await tickets.get(cast.engine, outsider, ticket_id)
        assert refused.value.entity == "ticket"
    with pytest.raises(NotFound):
        await tickets.complete(cast.engine, outsider, ticket.id)
