"""Chats: the seven calls of chats.md (S)."""

from typing import Any

from koine.dialects.chats import shapes
from koine.dialects.chats.listing import (
    _filter,
    _window,
    list_response,
    parse_id,
    parse_time,
    path_id,
)
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
from koine.engine.conversations import conversations
from koine.http.request import Request, Response
from koine.http.route import Routes
from koine.model.conversation import NewConversation
from koine.model.errors import NotFound
from koine.model.related import ConversationPage, Include, Related

routes = Routes()

NOTHING: frozenset[Include] = frozenset()
ALL: frozenset[Include] = frozenset({"people", "inboxes", "tickets", "versions", "senders"})


@routes.get(
    "/api/v1/chats/{id}/details",
    query=VersionQuery,
    returns=ChatDetails,
    path_types={"id": "uuid"},
    summary="Retrieve a chat with details",
)
async def chat_details(call: Request[None, VersionQuery]) -> ChatDetails:
    """A removed chat too. With `responderVersionId`, a chat of another version is a 404."""
    wanted = call.query.responder_version_id
    version = parse_id("responderVersionId", wanted) if wanted else None
    shown = await conversations.get(call.engine, call.actor, path_id(call), ALL, removed=True)
    if version is not None and shown.one.responder_version_id != version:
        raise NotFound("conversation")
    return shapes.render_details(shown.one, shown.related, call.actor.tenant_id)


@routes.get(
    "/api/v1/chats/details",
    query=DetailsQuery,
    returns=list[ChatDetails],
    summary="Retrieve multiple chats with details",
)
async def list_chat_details(call: Request[None, DetailsQuery]) -> Response:
    """Newest message first, removed chats left out; the `Link` header leads to the next page."""
    shown = await _find(call, ALL)
    items = [shapes.render_details(c, shown.related, call.actor.tenant_id) for c in shown.items]
    return list_response(call, items, shown.next)


@routes.get(
    "/api/v1/chats",
    query=ChatsQuery,
    returns=list[Chat],
    summary="Retrieve multiple chats",
)
async def list_chats(call: Request[None, ChatsQuery]) -> Response:
    """Newest message first, removed chats left out; the `Link` header leads to the next page."""
    shown = await _find(call, NOTHING)
    items = [shapes.render_chat(c, call.actor.tenant_id) for c in shown.items]
    return list_response(call, items, shown.next)


@routes.post("/api/v1/chats", body=NewChat, returns=Chat, summary="Create a chat")
async def create_chat(call: Request[NewChat, None]) -> Chat:
    """The responder is the channel's, else the workspace's default one."""
    body = call.body
    new = NewConversation(
        kind="chat",
        source="api",
        title=body.title,
        inbox_id=None if body.channel_id is None else parse_id("channelId", body.channel_id),
        owner_id=parse_id("ownerId", body.owner_id),
    )
    made = await conversations.create(call.engine, call.actor, new)
    return shapes.render_chat(made, call.actor.tenant_id)


@routes.get(
    "/api/v1/chats/{id}",
    returns=Chat,
    path_types={"id": "uuid"},
    summary="Retrieve a chat",
)
async def get_chat(call: Request[None, None]) -> Chat:
    """A removed chat too."""
    shown = await conversations.get(call.engine, call.actor, path_id(call), removed=True)
    return shapes.render_chat(shown.one, call.actor.tenant_id)


@routes.patch(
    "/api/v1/chats/{id}",
    body=ChatChanges,
    returns=Chat,
    path_types={"id": "uuid"},
    summary="Update a chat",
)
async def update_chat(call: Request[ChatChanges, None]) -> Chat:
    """`lastChatMessageCreatedAt` is what is shown and sorted by until the next message."""
    title, shown_at = call.body.title, call.body.last_chat_message_created_at
    at = parse_time("lastChatMessageCreatedAt", shown_at) if isinstance(shown_at, str) else shown_at
    changes = conversations.ConversationChanges(title=title, shown_at=at)
    changed = await conversations.change(call.engine, call.actor, path_id(call), changes)
    return shapes.render_chat(changed, call.actor.tenant_id)


@routes.delete(
    "/api/v1/chats/{id}",
    returns=Informed,
    path_types={"id": "uuid"},
    summary="Remove a chat",
)
async def remove_chat(call: Request[None, None]) -> Informed:
    """It leaves every list and is still retrieved by id. Removing it twice is as once."""
    await conversations.remove(call.engine, call.actor, path_id(call))
    return Informed("Chat removed.")


async def _find(call: Request[None, Any], parts: frozenset[Include]) -> ConversationPage:
    f, window = _filter(call.query), _window(call.query)
    if window is None:
        return ConversationPage([], Related())
    return await conversations.find(call.engine, call.actor, f, window, parts, with_total=False)
