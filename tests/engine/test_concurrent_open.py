"""Concurrent opening of conversations in one tenant, by every way, does not deadlock."""

import asyncio

from koine.engine.conversations import conversations, delivery_conversations
from koine.engine.conversations.delivery_conversations import NewDeliveryConversation
from koine.model.conversation import Conversation, NewConversation
from tests.cast import Cast


async def by_key(cast: Cast, who: str) -> Conversation:
    new = NewConversation(
        title="at once",
        inbox_id=cast.acme.inbox.id,
        owner_id=cast.acme.id(who),
        participants=((cast.acme.id("alice"), "member"),),
    )
    return await conversations.create(cast.engine, cast.acme.actor("ada"), new)


async def by_driver(cast: Cast, number: int) -> Conversation:
    opening = NewDeliveryConversation(delivery_id=cast.acme.deliveries[number % 3].id)
    actor = cast.acme.actor("dan")
    return (await delivery_conversations.open_(cast.engine, actor, opening))[0]


async def test_concurrent_openings_get_different_numbers_and_do_not_deadlock(cast: Cast) -> None:
    created = await asyncio.wait_for(
        asyncio.gather(
            *(by_key(cast, "carol") for _ in range(12)),
            *(by_key(cast, "dave") for _ in range(12)),
            *(by_driver(cast, number) for number in range(12)),
        ),
        timeout=5,
    )
    numbers = {conversation.number for conversation in created}
    assert len(numbers) == len({conversation.id for conversation in created}) == 27
