"""Participants under concurrent changes."""

import asyncio

from koine.engine.conversations import conversations, delivery_conversations, participants
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.conversations.delivery_conversations import Joining, NewDeliveryConversation
from koine.engine.conversations.participants import ParticipantResult
from koine.kit.ids import new_id
from koine.model.actor import Actor, operator
from koine.model.conversation import Conversation
from koine.model.filters import ConversationFilter
from koine.model.page import page_window
from tests.cast import Cast

PEOPLE = ("dan", "cleo", "olaf", "alice")


async def opened(cast: Cast, *names: str) -> Conversation:
    joining: Joining = tuple((cast.acme.id(name), "member") for name in names)
    actor = cast.acme.actor("dora")
    return (
        await delivery_conversations.open_(
            cast.engine, actor, NewDeliveryConversation(joining=joining)
        )
    )[0]


def anyone(cast: Cast) -> Actor:
    return operator(cast.acme.tenant.id)


async def test_the_same_people_join_and_leave_many_conversations_at_once(cast: Cast) -> None:
    ids = [cast.acme.id(name) for name in PEOPLE]
    conversation_ids = [(await opened(cast, "ada")).id for _ in range(16)]
    for change in (participants.add, participants.remove):
        outcomes = await asyncio.gather(
            *(
                change(cast.engine, anyone(cast), conversation_id, ids if n % 2 else ids[::-1])
                for n, conversation_id in enumerate(conversation_ids)
            )
        )
        assert {each.what for some in outcomes for each in some} == {"done"}


async def test_concurrent_opening_closing_and_deleting_does_not_deadlock(cast: Cast) -> None:
    conversation_ids = [(await opened(cast, *PEOPLE)).id for _ in range(20)]
    closing, who = ConversationChanges(status="closed"), anyone(cast)
    await asyncio.gather(
        *(
            conversations.delete(cast.engine, who, conversation_id, None)
            for conversation_id in conversation_ids[::2]
        ),
        *(opened(cast, *PEOPLE[:: -1 if n % 2 else 1]) for n in range(12)),
        *(
            conversations.change(cast.engine, who, conversation_id, closing)
            for conversation_id in conversation_ids[1::2]
        ),
    )
    own_open = ConversationFilter(participant_id=cast.acme.id("cleo"), statuses=("open",))
    shown = await conversations.find_page(cast.engine, who, own_open, page_window(1, 50))
    assert shown.total == len(shown.items) == 12


async def test_each_user_has_one_outcome_in_the_order_given(cast: Cast) -> None:
    conversation = await opened(cast, "dan")
    olaf, dan, nobody = cast.acme.id("olaf"), cast.acme.id("dan"), new_id()
    added = await participants.add(
        cast.engine, anyone(cast), conversation.id, [olaf, nobody, dan, olaf]
    )
    assert added == [
        ParticipantResult(olaf, "done"),
        ParticipantResult(nobody, "unknown"),
        ParticipantResult(dan, "unchanged"),
    ]
    removed = await participants.remove(cast.engine, anyone(cast), conversation.id, [nobody, olaf])
    assert removed == [ParticipantResult(nobody, "absent"), ParticipantResult(olaf, "done")]
