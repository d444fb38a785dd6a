"""The five calls of the source documents: conversations, and the messages in them (delivery.md)."""

from contextlib import suppress

from koine.dialects.delivery import checks, shapes, wire
from koine.dialects.delivery.texts import translate
from koine.engine.conversations import conversations, delivery_conversations, messages
from koine.engine.conversations.delivery_conversations import NewDeliveryConversation
from koine.engine.conversations.messages import MessagePage
from koine.http.idempotency import message_key
from koine.http.request import Request, Response
from koine.http.route import Routes
from koine.model.actor import Actor
from koine.model.conversation import Status
from koine.model.errors import Unavailable
from koine.model.filters import ConversationFilter, MessageFilter
from koine.model.message import Draft
from koine.model.related import Include

routes = Routes()

CONVERSATIONS = "/messaging/conversations"
ONE = f"{CONVERSATIONS}/{{conversation_id}}"
MESSAGES = f"{ONE}/messages"

_INCLUDE: frozenset[Include] = frozenset({"participants", "latest"})
_STATUSES: dict[str | None, tuple[Status, ...]] = {
    None: (),
    "active": ("open", "pending", "snoozed"),
    "closed": ("closed",),
}


@routes.get(
    CONVERSATIONS,
    query=wire.ListConversations,
    returns=wire.Conversations,
    other_statuses={400: None, 403: None},
    tags=("Conversations",),
)
async def list_conversations(call: Request[None, wire.ListConversations]) -> wire.Conversations:
    """List conversations.

    The caller's own; with `view:tenant` or `manage:messaging:tenant` all of the tenant's, or with
    `user_id` that user's (S). Last activity first (D).
    """
    query, actor = call.query, call.actor
    user_id = checks.optional_id("user_id", query.user_id)
    window, limit = checks.window(query.page, query.limit)
    wanted = ConversationFilter(
        kinds=(query.type,) if query.type else (),
        statuses=_STATUSES[query.status],
        participant_id=user_id,
    )
    shown = await conversations.find(call.engine, actor, wanted, window, _INCLUDE)
    return wire.Conversations(
        True,
        translate("Conversations retrieved successfully", query.language),
        shapes.render_conversations(shown, actor, user_id or actor.identity_id, call.base_url),
        shown.total or 0,
        query.page,
        limit,
    )


@routes.post(
    CONVERSATIONS,
    body=wire.CreateConversation,
    query=wire.Common,
    returns=wire.OneConversation,
    status=201,
    other_statuses=(200,),
    tags=("Conversations",),
)
async def create_conversation(call: Request[wire.CreateConversation, wire.Common]) -> Response:
    """Create a conversation, or join the one the delivery has: then the answer is a 200."""
    body = call.body
    title = (body.title or "").strip() or None
    opening = NewDeliveryConversation(
        delivery_id=checks.optional_id("delivery_id", body.delivery_id),
        joining=checks._participants(body.participants),
        title=title,
        metadata=checks.json_or_none(body.metadata),
    )
    opened, is_new = await delivery_conversations.open_(call.engine, call.actor, opening)
    text = f"Conversation {'created' if is_new else 'retrieved'} successfully"
    return Response(await _one(call, opened.id, text), 201 if is_new else 200)


@routes.get(
    ONE,
    query=wire.Common,
    returns=wire.OneConversation,
    path_types={"conversation_id": "uuid"},
    tags=("Conversations",),
)
async def get_conversation(call: Request[None, wire.Common]) -> wire.OneConversation:
    """Get a conversation: its participants, `view:tenant` and system administrators may (S)."""
    conversation_id = checks.path_id(call.path["conversation_id"])
    return await _one(call, conversation_id, "Conversation retrieved successfully")


@routes.get(
    MESSAGES,
    query=wire.ListMessages,
    returns=wire.Messages,
    path_types={"conversation_id": "uuid"},
    tags=("Messages",),
)
async def list_messages(call: Request[None, wire.ListMessages]) -> wire.Messages:
    """List messages, newest first, and mark what is shown as read (S).

    For participants and system administrators; of a support ticket's conversation for its
    customer and the tenant's support users (S).
    """
    query = call.query
    conversation_id = checks.path_id(call.path["conversation_id"])
    window, limit = checks.window(query.page, query.limit)
    start, end = checks.timestamp_range(query.timestamp_range)
    said = await messages.page(
        call.engine, call.actor, conversation_id,
        MessageFilter(start=start, end=end), window, as_participant=True,
    )  # fmt: skip
    if _has_unread(said):
        # A disk that is full takes no mark, and is read all the same.
        with suppress(Unavailable):
            await messages.mark_read(call.engine, call.actor, conversation_id, said.items[0].id)
    return wire.Messages(
        True,
        translate("Messages retrieved successfully", query.language),
        [shapes.render_message(m, call.base_url) for m in said.items],
        said.total,
        query.page,
        limit,
    )


@routes.post(
    MESSAGES,
    body=wire.SendMessage,
    stores_own_key=True,
    query=wire.Common,
    returns=wire.MessageSent,
    status=201,
    path_types={"conversation_id": "uuid"},
    tags=("Messages",),
)
async def send_message(call: Request[wire.SendMessage, wire.Common]) -> wire.MessageSent:
    """Send a message: as a participant, into an active conversation (S)."""
    body, actor = call.body, call.actor
    draft = Draft(
        content=body.content,
        type=body.message_type or "text",
        content_url=checks.content_url(body.content_url),
        metadata=checks.json_or_none(body.metadata),
        parent_id=checks.optional_id("parent_message_id", body.parent_message_id),
        client_key=message_key(call),
        sender_id=actor.identity_id,
        sender_kind="contact" if _is_customer(actor) else "user",
        must_participate=True,
        when_closed="refuse",
    )
    conversation_id = checks.path_id(call.path["conversation_id"])
    sent = await messages.send(call.engine, actor, conversation_id, draft)
    text = translate("Message sent successfully", call.query.language)
    return wire.MessageSent(True, text, shapes.render_message(sent, call.base_url))


async def _one(
    call: Request[wire.CreateConversation, wire.Common] | Request[None, wire.Common],
    conversation_id: str,
    text: str,
) -> wire.OneConversation:
    actor = call.actor
    shown = await conversations.get(call.engine, actor, conversation_id, _INCLUDE)
    found = shapes.render_conversations(shown, actor, actor.identity_id, call.base_url)[0]
    return wire.OneConversation(True, translate(text, call.query.language), found)


def _has_unread(said: MessagePage) -> bool:
    """Whether the newest message shown lies beyond the reader's mark; an outsider has none (D)."""
    me = said.participant
    return (
        me is not None and me.left_at is None and bool(said.items)
        and said.items[0].seq > me.read_seq
    )  # fmt: skip


def _is_customer(actor: Actor) -> bool:
    """A user without a role is a customer: a contact to every other dialect (F)."""
    return actor.role is None and not actor.permissions
