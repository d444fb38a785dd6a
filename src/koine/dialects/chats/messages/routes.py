"""Messages: an endpoint beside the documented ones; chats.md has its fields (F)."""

import msgspec

from koine.dialects.chats.chats.render import NOBODY, owner_id, owner_of
from koine.dialects.chats.messages.render import EXTERNAL_ID_PREFIX, render_message
from koine.dialects.chats.messages.schemas import (
    DEFAULT_LIMIT,
    ChatMessage,
    MessagesQuery,
    NewChatMessage,
    Pagination,
)
from koine.dialects.chats.query import list_response, read_cursor
from koine.engine.conversations import conversations, messages, tickets
from koine.http.idempotency import message_key
from koine.http.request import Request, Response
from koine.http.route import Routes
from koine.kit.json import BadJson, loads_strict
from koine.model.errors import Invalid, NotFound
from koine.model.filters import MessageFilter
from koine.model.ids import parse_id
from koine.model.message import Draft, Message
from koine.model.page import Window
from koine.model.related import ConversationPage, Include
from koine.model.ticket import Ticket

routes = Routes()

_PATH = "/api/v1/chat-messages"
_PEOPLE: frozenset[Include] = frozenset({"people"})


@routes.get(
    _PATH,
    query=MessagesQuery,
    returns=list[ChatMessage],
    summary="Retrieve the messages of a chat",
)
async def list_chat_messages(request: Request[None, MessagesQuery]) -> Response:
    """Oldest first; the `Link` header has the next page."""
    q = request.query
    chat_id = parse_id("chatId", q.chat_id)
    ticket_ids = [parse_id("ticketIds", text) for text in q.ticket_ids]
    cursor = None if q.cursor is None else read_cursor(q.cursor)
    window = Window(limit=_limit(q), cursor=cursor)
    in_thread = q.chat_thread_id is not None and parse_id("chatThreadId", q.chat_thread_id)
    if in_thread or ticket_ids:
        chat = await conversations.get(request.engine, request.actor, chat_id)
        found = [] if in_thread else await _of_tickets(request, chat_id, ticket_ids, window)
        return Response([render_message(m, owner_id(chat.one), request.base_url) for m in found])
    f = MessageFilter(oldest_first=True)
    page = await messages.find_page(request.engine, request.actor, chat_id, f, window)
    owner = owner_id(page.conversation)
    items = [render_message(m, owner, request.base_url) for m in page.items]
    return list_response(request, items, page.next)


@routes.post(
    _PATH,
    body=NewChatMessage,
    returns=ChatMessage,
    summary="Post a message to a chat",
    stores_own_key=True,
)
async def create_chat_message(request: Request[NewChatMessage, None]) -> ChatMessage:
    """A message with the role `user` is from the chat's owner, one with `assistant` from its
    responder. A second message with the same `externalId` in a chat is not stored; the first is
    returned."""
    body = request.body
    chat_id = parse_id("chatId", body.chat_id)
    if body.chat_thread_id is not None and parse_id("chatThreadId", body.chat_thread_id):
        raise NotFound("thread")
    chat = await conversations.get(request.engine, request.actor, chat_id, _PEOPLE)
    draft = _draft(body, chat, _client_key(request))
    sent = await messages.send(request.engine, request.actor, chat_id, draft)
    return render_message(sent, owner_id(chat.one), request.base_url)


def _client_key(request: Request[NewChatMessage, None]) -> str | None:
    """The key by which a message is stored once in its chat: the `externalId` (D), else the
    Idempotency-Key (contracts/README.md)."""
    if request.body.external_id is not None:
        return EXTERNAL_ID_PREFIX + request.body.external_id
    return message_key(request)


def _draft(body: NewChatMessage, chat: ConversationPage, key: str | None) -> Draft:
    if body.role == "assistant":
        responder_id = chat.one.responder_id
        if responder_id is None:
            raise Invalid("role", "unknown", "this chat has no responder")
        return Draft(
            content=body.content, client_key=key, sender_id=responder_id, sender_kind="responder"
        )
    owner = owner_of(chat.one, chat.related)
    if owner.id == NOBODY:
        raise Invalid("role", "unknown", "this chat has no owner")
    return Draft(
        content=body.content,
        client_key=key,
        sender_id=owner.id,
        sender_kind="user" if owner.is_user else "contact",
        when_closed="reopen",
    )


def _limit(q: MessagesQuery) -> int:
    """The limit, from `pagination[limit]=`, `pagination={"limit":…}` or `limit=` (D)."""
    if q.pagination is None:
        return int(q.limit_in_brackets or q.limit or DEFAULT_LIMIT)
    try:
        return int(msgspec.convert(loads_strict(q.pagination.encode()), Pagination).limit)
    except (BadJson, msgspec.ValidationError):
        raise Invalid("pagination", "must be an object with a limit from 1 to 1000") from None


async def _of_tickets(
    request: Request[None, MessagesQuery], chat_id: str, ticket_ids: list[str], window: Window
) -> list[Message]:
    """The messages sent while one of these tickets was open, oldest first."""
    found: dict[int, Message] = {}
    for ticket_id in dict.fromkeys(ticket_ids):
        ticket = await _ticket(request, ticket_id)
        if ticket is not None and ticket.conversation_id == chat_id:
            f = MessageFilter(start=ticket.created_at, end=ticket.completed_at, oldest_first=True)
            page = await messages.find_page(request.engine, request.actor, chat_id, f, window)
            found |= {m.seq: m for m in page.items}
    return [found[seq] for seq in sorted(found)][: window.limit]


async def _ticket(request: Request[None, MessagesQuery], ticket_id: str) -> Ticket | None:
    try:
        return await tickets.get(request.engine, request.actor, ticket_id)
    except NotFound:
        return None
