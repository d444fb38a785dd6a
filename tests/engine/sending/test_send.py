"""The function that creates messages: numbers without gaps, private notes, keys, refusals."""

import asyncio

import pytest
from sqlalchemy import select

from koine.engine.conversations import conversations, delivery_conversations, messages, participants
from koine.engine.conversations.delivery_conversations import NewDeliveryConversation
from koine.engine.core.engine import open_engine
from koine.engine.people import directory
from koine.model.actor import operator
from koine.model.conversation import Conversation
from koine.model.errors import Conflict, Forbidden, Invalid, NotFound
from koine.model.filters import MessageFilter
from koine.model.message import Draft
from koine.model.page import page_window
from koine.store.core.db import Tx
from koine.store.core.statements import Query, param
from koine.store.tables import events
from tests.cast import Cast


async def opened(cast: Cast) -> Conversation:
    opening = NewDeliveryConversation(delivery_id=cast.acme.deliveries[0].id)
    actor = cast.acme.actor("dan")
    return (await delivery_conversations.open_(cast.engine, actor, opening))[0]


def draft_of(cast: Cast, name: str, text: str, **more: object) -> Draft:
    return Draft(content=text, sender_id=cast.acme.id(name), must_participate=True, **more)  # type: ignore[arg-type]  # the test's own words


async def test_concurrent_sends_are_numbered_without_gaps(cast: Cast) -> None:
    conversation = await opened(cast)
    actor = cast.acme.actor("dan")
    sends = [
        messages.send(cast.engine, actor, conversation.id, draft_of(cast, "dan", f"{n}"))
        for n in range(200)
    ]
    posted = await asyncio.gather(*sends)
    assert sorted(m.seq for m in posted) == list(range(1, 201))
    assert len({m.id for m in posted}) == 200


async def test_an_outsider_gets_not_found(cast: Cast) -> None:
    conversation = await opened(cast)
    with pytest.raises(NotFound):
        await messages.send(
            cast.engine, cast.acme.actor("olaf"), conversation.id, draft_of(cast, "olaf", "hi")
        )


async def test_a_viewer_who_is_no_participant_is_forbidden(cast: Cast) -> None:
    conversation = await opened(cast)
    with pytest.raises(Forbidden):
        await messages.send(
            cast.engine, cast.acme.actor("ada"), conversation.id, draft_of(cast, "ada", "hi")
        )


async def test_a_closed_conversation_accepts_no_message(cast: Cast) -> None:
    conversation = await opened(cast)
    closed = conversations.ConversationChanges(status="closed")
    await conversations.change(cast.engine, cast.acme.actor("ada"), conversation.id, closed)
    with pytest.raises(Conflict):
        await messages.send(
            cast.engine,
            cast.acme.actor("dan"),
            conversation.id,
            draft_of(cast, "dan", "late", when_closed="refuse"),
        )


async def test_a_client_message_id_makes_one_message_forever(cast: Cast) -> None:
    conversation = await opened(cast)
    actor = cast.acme.actor("dan")
    draft = draft_of(cast, "dan", "once", client_key="k")
    posts = [messages.send(cast.engine, actor, conversation.id, draft) for _ in range(20)]
    assert len({m.id for m in await asyncio.gather(*posts)}) == 1
    again = await messages.send(cast.engine, actor, conversation.id, draft)
    assert again.seq == 1


async def test_a_bad_send_of_a_batch_fails_alone(cast: Cast) -> None:
    conversation = await opened(cast)
    actor = cast.acme.actor("dan")
    drafts = [draft_of(cast, "dan", f"{n}") for n in range(10)]
    drafts[4] = draft_of(cast, "dan", "orphan", parent_id=cast.acme.tenant.id)
    posts = [messages.send(cast.engine, actor, conversation.id, draft) for draft in drafts]
    outcomes = await asyncio.gather(*posts, return_exceptions=True)
    assert isinstance(outcomes[4], Invalid)
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 9


async def test_a_private_note_is_numbered_but_not_shown(cast: Cast) -> None:
    conversation = await opened(cast)
    key = cast.acme.actor("alice")
    note = Draft(content="psst", sender_id=cast.acme.id("alice"), private=True)
    await messages.send(cast.engine, key, conversation.id, note)
    await messages.send(
        cast.engine, cast.acme.actor("dan"), conversation.id, draft_of(cast, "dan", "a")
    )
    hidden = await messages.find_page(
        cast.engine, cast.acme.actor("dan"), conversation.id,
        MessageFilter(with_private=True), page_window(1, 20),
    )  # fmt: skip
    assert [(m.content, m.seq, m.public_seq) for m in hidden.items] == [("a", 2, 1)]
    staff = await messages.find_page(
        cast.engine, key, conversation.id, MessageFilter(with_private=True), page_window(1, 20)
    )
    assert [m.content for m in staff.items] == ["a", "psst"]


async def test_a_private_note_is_read_by_its_sender_but_never_shown_as_their_mark(
    cast: Cast,
) -> None:
    conversation = await opened(cast)
    engine, ada = cast.engine, cast.acme.actor("ada")
    await participants.add(engine, ada, conversation.id, [ada.identity_id or ""])
    drafts = [draft_of(cast, "ada", "to all"), draft_of(cast, "ada", "to us", private=True)]
    public, note = [await messages.send(engine, ada, conversation.id, d) for d in drafts]
    again = await messages.send(engine, ada, conversation.id, drafts[1])
    await messages.mark_read(engine, ada, conversation.id, note.id)
    me = (
        await messages.find_page(engine, ada, conversation.id, MessageFilter(), page_window(1, 1))
    ).participant
    assert me is not None
    assert (me.read_seq, me.read_public, me.read_message_id) == (again.seq, 1, public.id)


async def test_a_former_participant_sends_nothing(cast: Cast) -> None:
    conversation = await opened(cast)
    actor, operator_actor, dan = cast.acme.actor("dan"), cast.acme.actor("ada"), cast.acme.id("dan")
    for _ in range(10):
        await participants.add(cast.engine, operator_actor, conversation.id, [dan])
        posts = [
            messages.send(cast.engine, actor, conversation.id, draft_of(cast, "dan", f"{n}"))
            for n in range(8)
        ]
        leaving = participants.remove(cast.engine, operator_actor, conversation.id, [dan])
        await posts[0]
        await asyncio.gather(*posts[1:4], leaving, *posts[4:], return_exceptions=True)
    happened = await cast.engine.db.read(cast.acme.tenant.id, kinds, conversation.id)
    participates = True
    for kind in happened:
        assert kind != "message.created" or participates
        participates = {"participant.left": False, "participant.joined": True}.get(
            kind, participates
        )
    assert "message.created" in happened


_KINDS = Query(
    select(events.c.kind)
    .where(
        events.c.tenant_id == param("tenant_id"),
        events.c.conversation_id == param("conversation_id"),
    )
    .order_by(events.c.position),
    str,
)


async def kinds(tx: Tx, conversation_id: str) -> list[str]:
    """The kinds of the conversation's events, in order."""
    return await tx.all(_KINDS, conversation_id=conversation_id)


async def test_nothing_of_a_blocked_sender_is_stored(cast: Cast) -> None:
    conversation, alice = await opened(cast), cast.acme.actor("alice")
    draft = Draft(content="hi", sender_id=cast.acme.id("carol"), sender_kind="contact")
    assert (await messages.send_unchecked(cast.engine, alice, conversation.id, draft)).seq == 1
    changes = directory.PersonChanges(blocked=True)
    operator_actor = operator(cast.acme.tenant.id)
    await directory.change(cast.engine, operator_actor, cast.acme.id("carol"), "contact", changes)
    with pytest.raises(Forbidden):
        await messages.send_unchecked(cast.engine, alice, conversation.id, draft)


async def test_the_servers_numbers_grow_within_a_conversation_on_every_node(cast: Cast) -> None:
    conversation, actor = await opened(cast), cast.acme.actor("dan")
    other = await open_engine(
        cast.engine.db, cast.clock, cast.engine.settings, cast.engine.webhook_formats
    )
    sends = [
        messages.send(node, actor, conversation.id, draft_of(cast, "dan", f"{n}"))
        for n in range(100)
        for node in (cast.engine, other)
    ]
    posted = sorted(await asyncio.gather(*sends), key=lambda m: m.seq)
    numbers = [m.number for m in posted]
    assert numbers == sorted(set(numbers))
    page = await messages.find_page(
        other, actor, conversation.id, MessageFilter(oldest_first=True), page_window(1, 200)
    )
    assert [m.number for m in page.items] == numbers


async def test_a_refused_send_takes_no_number(cast: Cast) -> None:
    conversation, actor = await opened(cast), cast.acme.actor("dan")
    keyed = draft_of(cast, "dan", "once", client_key="k")
    first = await messages.send(cast.engine, actor, conversation.id, keyed)
    again = await messages.send(cast.engine, actor, conversation.id, keyed)
    assert again.number == first.number > 0
