"""The requests for messages: list and send (delivery.md)."""

from contextlib import suppress

from koine.dialects.delivery.messages import schemas
from koine.dialects.delivery.messages.render import render_message
from koine.dialects.delivery.parsing import (
    content_url,
    optional_id,
    optional_json,
    parse_page,
    path_id,
    timestamp_range,
)
from koine.dialects.delivery.schemas import Common
from koine.dialects.delivery.translations import translate
from koine.engine.conversations import messages
from koine.engine.conversations.messages import MessagePage
from koine.http.idempotency import message_key
from koine.http.request import Request
from koine.http.route import Routes
from koine.model.actor import Actor
from koine.model.errors import Unavailable
from koine.model.filters import MessageFilter
from koine.model.message import Draft

routes = Routes()

MESSAGES = "/messaging/conversations/{conversation_id}/messages"


@routes.get(
    MESSAGES,
    query=schemas.ListMessages,
    returns=schemas.Messages,
    path_types={"conversation_id": "uuid"},
    tags=("Messages",),
)
async def list_messages(request: Request[None, schemas.ListMessages]) -> schemas.Messages:
    """List messages, newest first, and mark the returned ones as read (S).

    For participants and system administrators; of a support ticket's conversation for its
    customer and the tenant's support users (S).
    """
    query = request.query
    conversation_id = path_id(request.path["conversation_id"])
    window, limit = parse_page(query.page, query.limit)
    start, end = timestamp_range(query.timestamp_range)
    page = await messages.find_page(
        request.engine, request.actor, conversation_id,
        MessageFilter(start=start, end=end), window, as_participant=True,
    )  # fmt: skip
    if _has_unread(page):
        # On a full disk the read mark cannot be stored; the messages can still be read.
        with suppress(Unavailable):
            await messages.mark_read(
                request.engine, request.actor, conversation_id, page.items[0].id
            )
    return schemas.Messages(
        True,
        translate("Messages retrieved successfully", query.language),
        [render_message(m, request.base_url) for m in page.items],
        page.total,
        query.page,
        limit,
    )


@routes.post(
    MESSAGES,
    body=schemas.SendMessage,
    stores_own_key=True,
    query=Common,
    returns=schemas.MessageSent,
    status=201,
    path_types={"conversation_id": "uuid"},
    tags=("Messages",),
)
async def send_message(request: Request[schemas.SendMessage, Common]) -> schemas.MessageSent:
    """Send a message, as a participant of an active conversation (S)."""
    body, actor = request.body, request.actor
    draft = Draft(
        content=body.content,
        type=body.message_type or "text",
        content_url=content_url(body.content_url),
        metadata=optional_json(body.metadata),
        parent_id=optional_id("parent_message_id", body.parent_message_id),
        client_key=message_key(request),
        sender_id=actor.identity_id,
        sender_kind="contact" if _is_customer(actor) else "user",
        must_participate=True,
        when_closed="refuse",
    )
    conversation_id = path_id(request.path["conversation_id"])
    sent = await messages.send(request.engine, actor, conversation_id, draft)
    text = translate("Message sent successfully", request.query.language)
    return schemas.MessageSent(True, text, render_message(sent, request.base_url))


def _has_unread(page: MessagePage) -> bool:
    """Whether the page's newest message is behind the read mark of a participant, who has not
    left (D)."""
    participant = page.participant
    if participant is None or participant.left_at is not None or not page.items:
        return False
    return page.items[0].seq > participant.read_seq


def _is_customer(actor: Actor) -> bool:
    """Whether the user is a customer (F): without a role. Other dialects show it as a contact."""
    return actor.role is None and not actor.permissions
