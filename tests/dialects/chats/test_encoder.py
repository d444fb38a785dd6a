"""The stream of the chats dialect: the chats and messages of its GETs."""

from koine.dialects.chats import ChatsDialect
from koine.engine.auth import api_keys
from koine.engine.conversations import conversations, messages
from koine.engine.conversations.conversations import ConversationChanges
from koine.model.conversation import Conversation, NewConversation
from koine.model.message import Draft
from tests.cast import Cast, CastTenant
from tests.dialects.native.sse_client import follow_stream
from tests.support.live_server import live

PATH = "/api/v1/chats/events"


async def chat(cast: Cast, company: str = "acme") -> Conversation:
    of: CastTenant = getattr(cast, company)
    new = NewConversation(owner_id=of.id("carol"), inbox_id=of.inbox.id)
    return await conversations.create(cast.engine, of.actor("ada"), new)


async def send_message(cast: Cast, where: Conversation, text: str, private: bool = False) -> None:
    draft = Draft(content=text, sender_id=cast.acme.id("alice"), private=private)
    await messages.send(cast.engine, cast.acme.actor("alice"), where.id, draft)


async def test_a_key_receives_its_workspaces_chats_and_no_private_note(cast: Cast) -> None:
    async with live(cast.engine, ChatsDialect()) as server:
        own_events = follow_stream(server.url, {"authorization": cast.acme.key}, path=PATH)
        other = follow_stream(server.url, {"authorization": cast.rival.key}, path=PATH)
        async with own_events as stream, other as rival:
            assert (await stream.next()).kind == (await rival.next()).kind == "ready"
            conversation = await chat(cast)
            await send_message(cast, conversation, "a note", private=True)
            await send_message(cast, conversation, "Hello")
            created, sent = await stream.until("chat-message.created")
            assert created.kind == "chat.created" and created.data["chat"]["id"] == conversation.id
            assert sent.data["chatMessage"]["content"] == "Hello"
            assert sent.data["chatMessage"]["role"] == "attendant"
            assert sent.data["chat"]["lastChatMessageCreatedAt"]
            theirs = await chat(cast, "rival")
            (event,) = await rival.until("chat.created")
            assert event.data["chat"]["id"] == theirs.id


async def test_a_removed_chat_is_shown_as_removed(cast: Cast) -> None:
    conversation = await chat(cast)
    async with live(cast.engine, ChatsDialect()) as server:
        headers = {"authorization": cast.acme.key}
        async with follow_stream(server.url, headers, path=PATH) as stream:
            await stream.next()
            admin = cast.acme.actor("ada")
            await conversations.change(
                cast.engine, admin, conversation.id, ConversationChanges(title="New")
            )
            assert (await stream.next()).data["chat"]["title"] == "New"
            await conversations.remove(cast.engine, admin, conversation.id)
            assert (await stream.next()).data["chat"]["isRemoved"]


async def test_a_revoked_key_ends_the_stream(cast: Cast) -> None:
    admin = cast.acme.actor("ada")
    created = await api_keys.list_all(cast.engine, admin)
    async with live(cast.engine, ChatsDialect()) as server:
        headers = {"authorization": cast.acme.key}
        async with follow_stream(server.url, headers, path=PATH) as stream:
            await stream.next()
            for key in created:
                await api_keys.revoke(cast.engine, admin, key.id)
            event = await stream.next()
            assert event.kind == "closing" and event.data["reason"] == "revoked"
