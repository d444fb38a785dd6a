"""The messages of a conversation: list, send, get."""

from koine.dialects.native import fields, pagination
from koine.dialects.native.auth import require_reader, require_writer
from koine.dialects.native.messages import schemas
from koine.dialects.native.messages.render import client_key, render_message
from koine.engine.conversations import conversations, messages
from koine.http.idempotency import message_key
from koine.http.request import Request
from koine.http.route import PathType, Routes
from koine.kit.json import json_text
from koine.model.actor import Actor
from koine.model.conversation import SenderKind
from koine.model.errors import Forbidden, Invalid
from koine.model.filters import MessageFilter
from koine.model.message import Draft
from koine.model.permissions import WRITE_CONVERSATIONS

MESSAGES = "/v1/conversations/{conversation_id}/messages"
TAGS = ("Messages",)
ONE: dict[str, PathType] = {"conversation_id": "uuid"}
TWO: dict[str, PathType] = ONE | {"message_id": "uuid"}
FIELD_NAMES = {"parent_message_id": "parent_id", "message_type": "type"}
"""The API's names of fields that the engine names otherwise, in its refusals."""

routes = Routes()


@routes.get(
    MESSAGES, query=schemas.MessageQuery, returns=schemas.Messages, path_types=ONE, tags=TAGS
)
async def list_messages(request: Request[None, schemas.MessageQuery]) -> schemas.Messages:
    """List messages, newest first; private notes only for staff."""
    q = request.query
    f = MessageFilter(
        with_private=True,
        start=fields.parse_time("from", q.start),
        end=fields.parse_end_time("to", q.end),
        before_seq=q.before,
        after_seq=q.after,
        oldest_first=q.order == "asc",
    )
    conversation_id = fields.path_id(request, "conversation_id")
    page = await messages.find_page(
        request.engine, require_reader(request), conversation_id, f, pagination.parse_window(q)
    )
    rendered = [render_message(each, request.base_url) for each in page.items]
    return schemas.Messages(rendered, pagination.encode_cursor(page.next))


@routes.post(
    MESSAGES,
    body=schemas.CreateMessage,
    returns=schemas.Message,
    status=201,
    path_types=ONE,
    tags=TAGS,
    stores_own_key=True,
)
async def create_message(request: Request[schemas.CreateMessage, None]) -> schemas.Message:
    """Post a message: staff anywhere, others where they take part.

    The same client_message_id of the same sender makes one message for ever.
    """
    conversation_id = fields.path_id(request, "conversation_id")
    body, actor = request.body, require_writer(request)
    is_staff = actor.may(WRITE_CONVERSATIONS)
    if not is_staff and (body.private or body.as_responder or body.when_closed != "refuse"):
        raise Forbidden(WRITE_CONVERSATIONS)
    sender_id, sender_kind = await _sender(request, actor, conversation_id)
    draft = Draft(
        content=body.content,
        type=body.type,
        content_url=body.content_url,
        metadata=None if body.metadata is None else json_text(body.metadata),
        parent_id=fields.parse_optional_id("parent_id", body.parent_id),
        private=body.private,
        client_key=_client_key(request, actor),
        sender_id=sender_id,
        sender_kind=sender_kind,
        must_participate=not is_staff,
        when_closed=body.when_closed,
    )
    try:
        sent = await messages.send(request.engine, actor, conversation_id, draft)
    except Invalid as refusal:
        name = FIELD_NAMES.get(refusal.field, refusal.field)
        raise Invalid(name, refusal.reason, refusal.message) from None
    return render_message(sent, request.base_url)


@routes.get(MESSAGES + "/{message_id}", returns=schemas.Message, path_types=TWO, tags=TAGS)
async def get_message(request: Request[None, None]) -> schemas.Message:
    """Get one message."""
    conversation_id = fields.path_id(request, "conversation_id")
    message_id = fields.path_id(request, "message_id")
    found = await messages.get(request.engine, require_reader(request), conversation_id, message_id)
    return render_message(found, request.base_url)


async def _sender(
    request: Request[schemas.CreateMessage, None], actor: Actor, conversation_id: str
) -> tuple[str | None, SenderKind]:
    """The sender: the caller, the conversation's responder if asked for, or none for a caller that
    is no identity."""
    if not request.body.as_responder:
        return actor.identity_id, "user" if actor.identity_id else "system"
    found = await conversations.get(request.engine, actor, conversation_id)
    if found.one.responder_id is None:
        raise Invalid("as_responder", "absent", "the conversation has no responder")
    return found.one.responder_id, "responder"


def _client_key(request: Request[schemas.CreateMessage, None], actor: Actor) -> str | None:
    """The message's idempotency key: `client_message_id`, else that of the request's header."""
    client_id = request.body.client_message_id
    return message_key(request) if client_id is None else client_key(actor, client_id)
