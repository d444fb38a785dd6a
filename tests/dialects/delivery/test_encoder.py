"""The stream of the delivery dialect: conversations and messages as its GETs return them."""

from koine.dialects.delivery import DeliveryDialect
from koine.engine.conversations import (
    conversations,
    delivery_conversations,
    messages,
    participants,
)
from koine.engine.conversations.delivery_conversations import NewDeliveryConversation
from koine.model.conversation import Conversation, NewConversation
from koine.model.message import Draft
from tests.cast import Cast
from tests.dialects.native.sse_client import follow_stream
from tests.support.live_server import live

PATH = "/messaging/events"


async def create_conversation(cast: Cast) -> Conversation:
    opening = NewDeliveryConversation(delivery_id=cast.acme.deliveries[0].id)
    actor = cast.acme.actor("dan")
    return (await delivery_conversations.open_(cast.engine, actor, opening))[0]


async def conversation_with(cast: Cast, who: str) -> Conversation:
    """A new conversation, an event behind all others that this person receives."""
    new = NewConversation(title="Next", participants=((cast.acme.id(who), "member"),))
    return await conversations.create(cast.engine, cast.acme.actor("ada"), new)


async def send_message(
    cast: Cast, where: Conversation, who: str, text: str, private: bool = False
) -> None:
    inside = who in ("dan", "cleo")
    draft = Draft(
        content=text, sender_id=cast.acme.id(who), private=private, must_participate=inside
    )
    await messages.send(cast.engine, cast.acme.actor(who), where.id, draft)


async def test_a_participant_receives_messages_as_get_returns_them(cast: Cast) -> None:
    conversation = await create_conversation(cast)
    async with live(cast.engine, DeliveryDialect()) as server:
        async with follow_stream(server.url, cast.bearer("cleo"), path=PATH) as stream:
            assert (await stream.next()).kind == "ready" and stream.cursor
            await send_message(cast, conversation, "dan", "I am here")
            (event,) = await stream.until("message.created")
        assert event.data["message"]["content"] == "I am here"
        assert event.data["conversation"]["unread_count"] == 1
        assert event.data["conversation"]["latest_message"] == event.data["message"]


async def test_a_user_who_may_only_view_receives_conversation_updates_without_messages(
    cast: Cast,
) -> None:
    conversation = await create_conversation(cast)
    async with live(cast.engine, DeliveryDialect()) as server:
        async with follow_stream(server.url, cast.bearer("dora"), path=PATH) as stream:
            await stream.next()
            await send_message(cast, conversation, "dan", "I am here")
            (event,) = await stream.until("conversation.updated")
        assert "message" not in event.data
        assert event.data["conversation"]["latest_message"]["content"] == "I am here"


async def test_private_notes_and_conversations_of_others_are_not_received(cast: Cast) -> None:
    conversation = await create_conversation(cast)
    async with live(cast.engine, DeliveryDialect()) as server:
        inside = follow_stream(server.url, cast.bearer("cleo"), path=PATH)
        outside = follow_stream(server.url, cast.bearer("olaf"), path=PATH)
        async with inside as cleo, outside as olaf:
            assert (await cleo.next()).kind == (await olaf.next()).kind == "ready"
            await send_message(cast, conversation, "alice", "a note", private=True)
            await send_message(cast, conversation, "dan", "I am here")
            (event,) = await cleo.until("message.created")
            assert event.data["message"]["content"] == "I am here"
            of_olaf = await conversation_with(cast, "olaf")
            (event,) = await olaf.until("conversation.created")
            assert event.data["conversation"]["id"] == of_olaf.id


async def test_a_stream_resumes_after_its_cursor(cast: Cast) -> None:
    conversation = await create_conversation(cast)
    async with live(cast.engine, DeliveryDialect()) as server:
        async with follow_stream(server.url, cast.bearer("cleo"), path=PATH) as stream:
            await stream.next()
            cursor = stream.cursor
        for n in range(3):
            await send_message(cast, conversation, "dan", f"{n}")
        async with follow_stream(server.url, cast.bearer("cleo"), cursor, path=PATH) as stream:
            await stream.next()
            events = [await stream.next() for _ in range(3)]
        assert [event.data["message"]["content"] for event in events] == ["0", "1", "2"]


async def test_a_removed_participant_receives_no_later_message(cast: Cast) -> None:
    conversation, admin = await create_conversation(cast), cast.acme.actor("ada")
    async with live(cast.engine, DeliveryDialect()) as server:
        async with follow_stream(server.url, cast.bearer("cleo"), path=PATH) as stream:
            await stream.next()
            cursor = stream.cursor
        await participants.remove(cast.engine, admin, conversation.id, [cast.acme.id("cleo")])
        await send_message(cast, conversation, "dan", "She is gone")
        await conversation_with(cast, "cleo")
        async with follow_stream(server.url, cast.bearer("cleo"), cursor, path=PATH) as stream:
            _, event, _ = await stream.until("conversation.created")
        assert (event.kind, event.data["conversation"]) == ("conversation.removed", None)
        assert event.data["conversation_id"] == conversation.id and "message" not in event.data
