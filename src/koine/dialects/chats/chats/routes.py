"""The seven requests for chats (chats.md, S)."""

from typing import Any

from msgspec.structs import replace

from koine.dialects.chats.chats.render import CHANNEL_TYPES, render_chat, render_details
from koine.dialects.chats.chats.schemas import (
    Chat,
    ChatChanges,
    ChatDetails,
    ChatsQuery,
    DetailsQuery,
    Informed,
    NewChat,
    VersionQuery,
)
from koine.dialects.chats.query import list_response, parse_time, path_id, read_cursor
from koine.engine.conversations import conversations
from koine.http.request import Request, Response
from koine.http.route import Routes
from koine.kit.times import MILLISECOND, millisecond_end
from koine.model.conversation import NewConversation
from koine.model.errors import NotFound
from koine.model.filters import ConversationFilter
from koine.model.ids import parse_id
from koine.model.page import Window, page_window
from koine.model.related import ConversationPage, Include, Related

routes = Routes()

_NOTHING: frozenset[Include] = frozenset()
_DETAILS: frozenset[Include] = frozenset({"people", "inboxes", "tickets", "versions", "senders"})


@routes.get(
    "/api/v1/chats/{id}/details",
    query=VersionQuery,
    returns=ChatDetails,
    path_types={"id": "uuid"},
    summary="Retrieve a chat with details",
)
async def chat_details(request: Request[None, VersionQuery]) -> ChatDetails:
    """Also a removed chat. With `responderVersionId`, a chat of another version is a 404."""
    wanted = request.query.responder_version_id
    version = parse_id("responderVersionId", wanted) if wanted else None
    found = await conversations.get(
        request.engine, request.actor, path_id(request), _DETAILS, removed=True
    )
    if version is not None and found.one.responder_version_id != version:
        raise NotFound("conversation")
    return render_details(found.one, found.related, request.actor.tenant_id)


@routes.get(
    "/api/v1/chats/details",
    query=DetailsQuery,
    returns=list[ChatDetails],
    summary="Retrieve multiple chats with details",
)
async def list_chat_details(request: Request[None, DetailsQuery]) -> Response:
    """Newest message first, without removed chats; the `Link` header has the next page."""
    page = await _find(request, _DETAILS)
    items = [render_details(c, page.related, request.actor.tenant_id) for c in page.items]
    return list_response(request, items, page.next)


@routes.get(
    "/api/v1/chats",
    query=ChatsQuery,
    returns=list[Chat],
    summary="Retrieve multiple chats",
)
async def list_chats(request: Request[None, ChatsQuery]) -> Response:
    """Newest message first, without removed chats; the `Link` header has the next page."""
    page = await _find(request, _NOTHING)
    items = [render_chat(c, request.actor.tenant_id) for c in page.items]
    return list_response(request, items, page.next)


@routes.post("/api/v1/chats", body=NewChat, returns=Chat, summary="Create a chat")
async def create_chat(request: Request[NewChat, None]) -> Chat:
    """Its responder is that of the channel, else the default one of the workspace."""
    body = request.body
    new = NewConversation(
        kind="chat",
        source="api",
        title=body.title,
        inbox_id=None if body.channel_id is None else parse_id("channelId", body.channel_id),
        owner_id=parse_id("ownerId", body.owner_id),
    )
    created = await conversations.create(request.engine, request.actor, new)
    return render_chat(created, request.actor.tenant_id)


@routes.get(
    "/api/v1/chats/{id}",
    returns=Chat,
    path_types={"id": "uuid"},
    summary="Retrieve a chat",
)
async def get_chat(request: Request[None, None]) -> Chat:
    """Also a removed chat."""
    found = await conversations.get(request.engine, request.actor, path_id(request), removed=True)
    return render_chat(found.one, request.actor.tenant_id)


@routes.patch(
    "/api/v1/chats/{id}",
    body=ChatChanges,
    returns=Chat,
    path_types={"id": "uuid"},
    summary="Update a chat",
)
async def update_chat(request: Request[ChatChanges, None]) -> Chat:
    """Chats are shown with and sorted by `lastChatMessageCreatedAt` until the next message."""
    title, shown_at = request.body.title, request.body.last_chat_message_created_at
    at = parse_time("lastChatMessageCreatedAt", shown_at) if isinstance(shown_at, str) else shown_at
    changes = conversations.ConversationChanges(title=title, shown_at=at)
    changed = await conversations.change(request.engine, request.actor, path_id(request), changes)
    return render_chat(changed, request.actor.tenant_id)


@routes.delete(
    "/api/v1/chats/{id}",
    returns=Informed,
    path_types={"id": "uuid"},
    summary="Remove a chat",
)
async def remove_chat(request: Request[None, None]) -> Informed:
    """Lists do not return the chat any more; it can still be retrieved by id. Removing it again has
    no effect."""
    await conversations.remove(request.engine, request.actor, path_id(request))
    return Informed("Chat removed.")


async def _find(request: Request[None, Any], include: frozenset[Include]) -> ConversationPage:
    f, window = _filter(request.query), _window(request.query)
    if window is None:
        return ConversationPage([], Related())
    return await conversations.find_page(
        request.engine, request.actor, f, window, include, with_total=False
    )


def _filter(q: DetailsQuery) -> ConversationFilter:
    """The filter of a list. Raises Invalid for a malformed id or time."""
    f = ConversationFilter(
        inbox_ids=_ids("channelIds", q.channel_ids),
        responder_ids=_ids("responderIds", q.responder_ids),
        responder_version_ids=_ids("responderVersionIds", q.responder_version_ids),
        search=q.search,
        by_shown_time=True,
    )
    return _chats_filter(f, q) if isinstance(q, ChatsQuery) else f


def _window(q: DetailsQuery) -> Window | None:
    """The requested page; None for one so far back that no list reaches it. Raises Invalid."""
    size, number = int(q.page_size), int(q.page_number)
    if q.cursor is not None:
        return Window(limit=size, cursor=read_cursor(q.cursor))
    window = page_window(number, size)
    return None if window.too_deep else window


def _chats_filter(f: ConversationFilter, q: ChatsQuery) -> ConversationFilter:
    start = _bound("lastChatMessageCreatedAtStart", q.last_chat_message_created_at_start)
    end = _bound("lastChatMessageCreatedAtEnd", q.last_chat_message_created_at_end)
    wanted = frozenset(q.channel_types)
    return replace(
        f,
        owner_ids=_ids("ownerIds", q.owner_ids),
        channel_types=tuple(
            stored for stored, rendered in CHANNEL_TYPES.items() if rendered in wanted
        ),
        shown_from=start,
        # Responses cut times to milliseconds: a bound copied from a chat must include that chat.
        shown_to=None if end is None else millisecond_end(end),
    )


def _bound(name: str, text: str | None) -> int | None:
    # A nullable parameter (S): some clients send the text "null".
    if text is None or text == "null":
        return None
    us = parse_time(name, text)
    return us - us % MILLISECOND


def _ids(name: str, texts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(parse_id(name, text) for text in texts))
