"""Chat messages: the neighbour whose fields chats.md knows (F)."""

import msgspec

from koine.dialects.chats import shapes
from koine.dialects.chats.listing import answer, id_of, read_cursor, whole
from koine.dialects.chats.routes import OWNER
from koine.dialects.chats.wire import ChatMessage, MessagesQuery, NewChatMessage
from koine.engine import conversations, messages, tickets
from koine.http.call import Answer, Call
from koine.http.route import Routes
from koine.kit.json import BadJson, loads_strict
from koine.model.errors import Invalid, NotFound
from koine.model.filters import MessageFilter
from koine.model.message import Draft, Message
from koine.model.page import Window
from koine.model.ticket import Ticket
from koine.model.view import Shown

routes = Routes()

PATH = "/api/v1/chat-messages"
DEFAULT_LIMIT = 250
BIGGEST_LIMIT = 1000


@routes.get(
    PATH,
    query=MessagesQuery,
    returns=list[ChatMessage],
    summary="Retrieve the messages of a chat",
)
async def list_chat_messages(call: Call[None, MessagesQuery]) -> Answer:
    """Oldest first; the `Link` header leads to the next page."""
    q = call.query
    if q.chat_id is None:
        raise Invalid("chatId", "is required")
    chat_id = id_of("chatId", q.chat_id)
    ticket_ids = [id_of("ticketIds", text) for text in q.ticket_ids]
    cursor = None if q.cursor is None else read_cursor(q.cursor)
    window = Window(limit=_limit(q), cursor=cursor)
    shown = await conversations.get(call.engine, call.actor, chat_id, OWNER)
    if q.chat_thread_id is not None and id_of("chatThreadId", q.chat_thread_id):
        return Answer([])
    if ticket_ids:
        found = await _of_tickets(call, chat_id, ticket_ids, window)
        return Answer(_shapes(found, shown))
    f = MessageFilter(oldest_first=True)
    said = await messages.page(call.engine, call.actor, chat_id, f, window)
    return answer(call, _shapes(said.items, shown), said.next)


@routes.post(PATH, body=NewChatMessage, returns=ChatMessage, summary="Post a message to a chat")
async def create_chat_message(call: Call[NewChatMessage, None]) -> ChatMessage:
    """`user` speaks as the chat's owner, `assistant` as its responder. The same `externalId`
    twice in one chat is one message."""
    body = call.body
    chat_id = id_of("chatId", body.chat_id)
    if body.chat_thread_id is not None and id_of("chatThreadId", body.chat_thread_id):
        raise NotFound("thread")
    shown = await conversations.get(call.engine, call.actor, chat_id, OWNER | {"people"})
    draft = _draft(body, shown, _own_key(call))
    posted = await messages.post(call.engine, call.actor, chat_id, draft)
    return shapes.message(posted, shapes.owner_id(shown.one, shown.around))


def _own_key(call: Call[NewChatMessage, None]) -> str | None:
    """What makes the message unique in its chat: its `externalId` (D), else the caller's
    Idempotency-Key, so that it is never stored twice (contracts/README.md)."""
    if call.body.external_id is not None:
        return shapes.EXTERNAL + call.body.external_id
    key = call.headers.get("Idempotency-Key")
    return f"{call.actor.key_id}:{key}" if key else None


def _draft(body: NewChatMessage, shown: Shown, key: str | None) -> Draft:
    if body.role == "assistant":
        responder_id = shown.one.responder_id
        if responder_id is None:
            raise Invalid("role", "unknown", "this chat has no responder")
        return Draft(
            content=body.content, client_key=key, sender_id=responder_id, sender_kind="responder"
        )
    owner = shapes.owner_of(shown.one, shown.around)
    if owner.id == shapes.NOBODY:
        raise Invalid("role", "unknown", "this chat has no owner")
    return Draft(
        content=body.content,
        client_key=key,
        sender_id=owner.id,
        sender_kind="user" if owner.is_user else "contact",
        when_closed="reopen",
    )


def _limit(q: MessagesQuery) -> int:
    """`pagination[limit]=`, `pagination={"limit":…}` or `limit=` (D)."""
    for name, given in (("pagination[limit]", q.limit_in_brackets), ("limit", q.limit)):
        if given is not None:
            return whole(name, given)
    if q.pagination is None:
        return DEFAULT_LIMIT
    try:
        value = loads_strict(q.pagination.encode())
        limit = msgspec.convert(value, dict[str, float]).get("limit", float(DEFAULT_LIMIT))
    except (BadJson, msgspec.ValidationError):
        raise Invalid("pagination", "must be an object with a limit") from None
    if not 1 <= limit <= BIGGEST_LIMIT:
        raise Invalid("pagination.limit", f"must be 1 to {BIGGEST_LIMIT}")
    return whole("pagination.limit", limit)


async def _of_tickets(
    call: Call[None, MessagesQuery], chat_id: str, ticket_ids: list[str], window: Window
) -> list[Message]:
    """What was said in the chat while one of these tickets was open, oldest first."""
    found: dict[int, Message] = {}
    for ticket_id in dict.fromkeys(ticket_ids):
        ticket = await _ticket(call, ticket_id)
        if ticket is not None and ticket.conversation_id == chat_id:
            f = MessageFilter(start=ticket.created_at, end=ticket.completed_at, oldest_first=True)
            said = await messages.page(call.engine, call.actor, chat_id, f, window)
            found |= {m.seq: m for m in said.items}
    return [found[seq] for seq in sorted(found)][: window.limit]


async def _ticket(call: Call[None, MessagesQuery], ticket_id: str) -> Ticket | None:
    try:
        return await tickets.get(call.engine, call.actor, ticket_id)
    except NotFound:
        return None


def _shapes(found: list[Message], shown: Shown) -> list[ChatMessage]:
    owner = shapes.owner_id(shown.one, shown.around)
    return [shapes.message(m, owner) for m in found]
