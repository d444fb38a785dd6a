"""The stream of the helpdesk dialect: the events of its webhooks, with the objects of its GETs."""

from koine.dialects.helpdesk import HelpdeskDialect
from koine.engine.conversations import conversations, messages
from koine.engine.conversations.conversations import ConversationChanges
from koine.model.conversation import Conversation, NewConversation, SenderKind
from koine.model.message import Draft
from tests.cast import Cast, CastTenant
from tests.dialects.native.sse_client import follow_stream
from tests.support.live_server import live

PATH = "/api/v1/conversations/events"


async def create_conversation(cast: Cast, company: str = "acme") -> Conversation:
    of: CastTenant = getattr(cast, company)
    new = NewConversation(title="Late", owner_id=of.id("carol"))
    return await conversations.create(cast.engine, of.actor("ada"), new)


async def send_message(
    cast: Cast, where: Conversation, who: str, text: str, private: bool = False
) -> None:
    kind: SenderKind = "contact" if who == "carol" else "user"
    draft = Draft(content=text, sender_id=cast.acme.id(who), sender_kind=kind, private=private)
    await messages.send(cast.engine, cast.acme.actor("ada"), where.id, draft)


async def test_the_events_of_a_conversation_from_creation_to_deletion(cast: Cast) -> None:
    admin = cast.acme.actor("ada")
    async with live(cast.engine, HelpdeskDialect()) as server:
        headers = {"X-API-Key": cast.acme.key}
        async with follow_stream(server.url, headers, path=PATH) as stream:
            await stream.next()
            conversation = await create_conversation(cast)
            event = await stream.next()
            assert event.kind == "conversation.created"
            assert event.data["data"]["_id"] == conversation.id
            changes = ConversationChanges(assignee_id=cast.acme.id("alice"))
            await conversations.change(cast.engine, admin, conversation.id, changes)
            assert (await stream.until("conversation.assigned"))[-1].data["data"]["assignedTo"]
            await conversations.change(
                cast.engine, admin, conversation.id, ConversationChanges(status="closed")
            )
            assert (await stream.until("conversation.closed"))[-1].data["data"][
                "status"
            ] == "closed"
            await conversations.delete(cast.engine, admin, conversation.id, None)
            gone = (await stream.until("conversation.deleted"))[-1]
            assert gone.data["data"] == {"_id": conversation.id}


async def test_messages_are_received_from_customers_and_sent_by_users(cast: Cast) -> None:
    conversation = await create_conversation(cast)
    async with live(cast.engine, HelpdeskDialect()) as server:
        async with follow_stream(server.url, cast.bearer("alice"), path=PATH) as stream:
            await stream.next()
            await send_message(cast, conversation, "carol", "Where is it?")
            await send_message(cast, conversation, "alice", "On its way")
            await send_message(cast, conversation, "alice", "she is angry", private=True)
            events = [await stream.next() for _ in range(3)]
        shown = [(event.kind, event.data["data"]["message"]["text"]) for event in events]
        assert shown == [
            ("message.received", "Where is it?"),
            ("message.sent", "On its way"),
            ("message.sent", "she is angry"),
        ]


async def test_another_tenant_receives_nothing(cast: Cast) -> None:
    conversation = await create_conversation(cast)
    async with live(cast.engine, HelpdeskDialect()) as server:
        own_events = follow_stream(server.url, {"X-API-Key": cast.acme.key}, path=PATH)
        theirs = follow_stream(server.url, {"X-API-Key": cast.rival.key}, path=PATH)
        async with own_events as stream, theirs as rival:
            assert (await stream.next()).kind == (await rival.next()).kind == "ready"
            await send_message(cast, conversation, "alice", "On its way")
            assert await stream.until("message.sent")
            of_rival = await create_conversation(cast, "rival")
            (event,) = await rival.until("conversation.created")
            assert event.data["data"]["_id"] == of_rival.id
