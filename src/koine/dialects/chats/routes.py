"""Chats: the seven calls of chats.md (S)."""

from typing import Any

from msgspec import UNSET

from koine.dialects.chats import shapes
from koine.dialects.chats.listing import answer, filter_of, id_of, path_id, time_of, window_of
from koine.dialects.chats.wire import (
    Chat,
    ChatChanges,
    ChatDetails,
    ChatsQuery,
    DetailsQuery,
    Informed,
    NewChat,
    VersionQuery,
)
from koine.engine import conversations, messages
from koine.http.call import Answer, Call
from koine.http.route import Routes
from koine.model.conversation import Conversation, NewConversation
from koine.model.errors import NotFound
from koine.model.filters import MessageFilter
from koine.model.message import Message
from koine.model.page import Window
from koine.model.view import Around, Part, Shown

routes = Routes()

OWNER: frozenset[Part] = frozenset({"participants"})
"""Who owns a conversation without an owner is found among its participants."""
SAID: frozenset[Part] = frozenset({"messages"})
ALL: frozenset[Part] = OWNER | {"people", "inboxes", "tickets", "versions"}


@routes.get(
    "/api/v1/chats/{id}/details",
    query=VersionQuery,
    returns=ChatDetails,
    path_types={"id": "uuid"},
    summary="Retrieve a chat with details",
)
async def chat_details(call: Call[None, VersionQuery]) -> ChatDetails:
    """A removed chat too. With `responderVersionId`, a chat of another version is a 404."""
    wanted = call.query.responder_version_id
    version = id_of("responderVersionId", wanted) if wanted else None
    shown = await conversations.get(call.engine, call.actor, path_id(call), ALL, removed=True)
    if version is not None and shown.one.responder_version_id != version:
        raise NotFound("conversation")
    return await _details(call, shown.one, shown.around)


@routes.get(
    "/api/v1/chats/details",
    query=DetailsQuery,
    returns=list[ChatDetails],
    summary="Retrieve multiple chats with details",
)
async def list_chat_details(call: Call[None, DetailsQuery]) -> Answer:
    """Newest message first, removed chats left out; the `Link` header leads to the next page."""
    shown = await _listed(call, ALL)
    items = [await _details(call, c, shown.around) for c in shown.items]
    return answer(call, items, shown.next)


@routes.get(
    "/api/v1/chats",
    query=ChatsQuery,
    returns=list[Chat],
    summary="Retrieve multiple chats",
)
async def list_chats(call: Call[None, ChatsQuery]) -> Answer:
    """Newest message first, removed chats left out; the `Link` header leads to the next page."""
    shown = await _listed(call, OWNER)
    items = [shapes.chat(c, shown.around, call.actor.tenant_id) for c in shown.items]
    return answer(call, items, shown.next)


@routes.post("/api/v1/chats", body=NewChat, returns=Chat, summary="Create a chat")
async def create_chat(call: Call[NewChat, None]) -> Chat:
    """The responder is the channel's, else the workspace's default one."""
    body = call.body
    new = NewConversation(
        kind="chat",
        source="api",
        title=body.title,
        inbox_id=None if body.channel_id is None else id_of("channelId", body.channel_id),
        owner_id=id_of("ownerId", body.owner_id),
    )
    made = await conversations.create(call.engine, call.actor, new)
    return shapes.chat(made, Around(), call.actor.tenant_id)


@routes.get(
    "/api/v1/chats/{id}",
    returns=Chat,
    path_types={"id": "uuid"},
    summary="Retrieve a chat",
)
async def get_chat(call: Call[None, None]) -> Chat:
    """A removed chat too."""
    return await _chat(call, path_id(call))


@routes.patch(
    "/api/v1/chats/{id}",
    body=ChatChanges,
    returns=Chat,
    path_types={"id": "uuid"},
    summary="Update a chat",
)
async def update_chat(call: Call[ChatChanges, None]) -> Chat:
    """`lastChatMessageCreatedAt` is what is shown and sorted by until the next message."""
    chat_id, shown_at = path_id(call), call.body.last_chat_message_created_at
    if isinstance(shown_at, str):
        at: int | None = time_of("lastChatMessageCreatedAt", shown_at)
    else:
        at = None
    changes = conversations.Changes(
        title=call.body.title, shown_at=UNSET if shown_at is UNSET else at
    )
    await conversations.change(call.engine, call.actor, chat_id, changes)
    return await _chat(call, chat_id)


@routes.delete(
    "/api/v1/chats/{id}",
    returns=Informed,
    path_types={"id": "uuid"},
    summary="Remove a chat",
)
async def remove_chat(call: Call[None, None]) -> Informed:
    """It leaves every list and is still retrieved by id. Removing it twice is as once."""
    await conversations.remove(call.engine, call.actor, path_id(call))
    return Informed("Chat removed.")


async def _chat(call: Call[Any, None], chat_id: str) -> Chat:
    shown = await conversations.get(call.engine, call.actor, chat_id, OWNER, removed=True)
    return shapes.chat(shown.one, shown.around, call.actor.tenant_id)


async def _listed(call: Call[None, Any], parts: frozenset[Part]) -> Shown:
    f, window = filter_of(call.query), window_of(call.query)
    if window is None:
        return Shown([], Around())
    looks_at_many = f.search or f.shown_from is not None or f.shown_to is not None
    look = conversations.search if looks_at_many else conversations.find
    return await look(call.engine, call.actor, f, window, parts, False)


async def _details(call: Call[None, Any], c: Conversation, around: Around) -> ChatDetails:
    """A conversation keeps the kind of who spoke last, not who: where the owner is a user, the
    two newest messages say whether it was the owner or an attendant."""
    senders: shapes.Senders = (None, None)
    spoke = "user" in (c.last_sender_kind, c.previous_sender_kind)
    if spoke and shapes.owner_of(c, around).is_user:
        newest = [m.sender_id for m in await _newest(call, c)] + [None, None]
        senders = newest[0], newest[1]
    return shapes.details(c, around, call.actor.tenant_id, senders)


async def _newest(call: Call[None, Any], c: Conversation) -> list[Message]:
    if c.removed_at is None:
        two = Window(limit=2)
        return (await messages.page(call.engine, call.actor, c.id, MessageFilter(), two)).items
    said = await conversations.get(call.engine, call.actor, c.id, SAID, removed=True)
    return said.around.messages[c.id][::-1]
