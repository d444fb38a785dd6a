"""The messages of a conversation: list, send, fill in."""

from koine.dialects.inbox.auth import contact_caller
from koine.dialects.inbox.contacts.render import contact_view
from koine.dialects.inbox.messages import schemas
from koine.dialects.inbox.messages.render import (
    is_shown,
    render_message,
    render_messages,
    submitted_values,
)
from koine.dialects.inbox.path_params import CONVERSATION, NUMBERED, path_number
from koine.engine.conversations import contact_conversations, files, messages, surveys
from koine.engine.conversations.files import Uploader
from koine.http.idempotency import message_key
from koine.http.request import Request
from koine.http.route import Routes
from koine.kit.json import json_text
from koine.model.conversation import Conversation
from koine.model.errors import NotFound, Refusal, Unavailable
from koine.model.links import upload_path
from koine.model.message import Attachment, Draft, Message, MessageType

MESSAGES = CONVERSATION + "/messages"
TAGS = ("Messages",)
_MESSAGE_TYPES: dict[str, MessageType] = {"image": "image", "audio": "audio", "video": "video"}
"""The type of a message by the type of its first file; any other is a "file"."""

routes = Routes()


@routes.get(
    MESSAGES,
    query=schemas.MessagesQuery,
    returns=list[schemas.Message],
    other_statuses=(401, 403, 404, 422, 429),
    path_types=NUMBERED,
    tags=TAGS,
)
async def list_messages(request: Request[None, schemas.MessagesQuery]) -> list[schemas.Message]:
    """List the newest messages, or those before or after one, oldest first."""
    number, caller = path_number(request, "conversation"), contact_caller(request)
    page = await contact_conversations.message_page(
        request.engine, request.actor, caller, number, request.query.before, request.query.after
    )
    return render_messages(contact_view(caller, request.base_url), page.one, page.related)


@routes.post(
    MESSAGES,
    body=schemas.MessageCreate,
    stores_own_key=True,
    returns=schemas.Message,
    forms=True,
    other_statuses=(400, 401, 403, 404, 413, 422, 429),
    path_types=NUMBERED,
    files=("attachments",),
    tags=TAGS,
)
async def create_message(request: Request[schemas.MessageCreate, None]) -> schemas.Message:
    """Send a message; a multipart form may contain files."""
    number, now = path_number(request, "conversation"), request.engine.clock.now()
    caller = contact_caller(request)
    conversation = await contact_conversations.for_sending(
        request.engine, request.actor, caller, number, now, message_key(request)
    )
    draft = _draft(request, saved := await _save_files(request, conversation.id))
    try:
        message = await messages.send(request.engine, request.actor, conversation.id, draft)
    except Unavailable:
        # Whether the message was written is unknown: its files must be there if it was.
        raise
    except Refusal:
        await _discard(request, saved)
        raise
    if message.attachments != draft.attachments:
        # An earlier request sent the message under this key, with its own copies of the files.
        await _discard(request, saved)
    return render_message(contact_view(caller, request.base_url), conversation, message, {})


async def _replay(request: Request[schemas.MessageUpdate, None]) -> schemas.Message:
    """The message of the path, as it is now."""
    return _rendered(request, *await _find(request))


@routes.update(
    MESSAGES + "/{message}",
    replay=_replay,
    body=schemas.MessageUpdate,
    returns=schemas.Message,
    forms=True,
    other_statuses=(400, 401, 403, 404, 422, 429),
    path_types=NUMBERED | {"message": "integer"},
    tags=TAGS,
)
async def update_message(request: Request[schemas.MessageUpdate, None]) -> schemas.Message:
    """Submit the form or survey of a message."""
    conversation, message = await _find(request)
    surveys.check_open(message, request.engine.clock.now())
    values = submitted_values(request.body.submitted_values)
    if values is not None:
        message = await messages.submit_values(
            request.engine, request.actor, conversation.id, message.seq, values
        )
    return _rendered(request, conversation, message)


async def _find(request: Request[schemas.MessageUpdate, None]) -> tuple[Conversation, Message]:
    """The conversation and the message of the path. Raises NotFound."""
    number, caller = path_number(request, "conversation"), contact_caller(request)
    conversation = await contact_conversations.get(request.engine, request.actor, caller, number)
    message = await messages.get_by_number(
        request.engine, request.actor, conversation.id, path_number(request, "message")
    )
    if not is_shown(message):
        raise NotFound("message")
    return conversation, message


def _rendered(
    request: Request[schemas.MessageUpdate, None], conversation: Conversation, message: Message
) -> schemas.Message:
    view = contact_view(contact_caller(request), request.base_url)
    return render_message(view, conversation, message, {})


async def _save_files(
    request: Request[schemas.MessageCreate, None], conversation_id: str
) -> list[Attachment]:
    if not request.files:
        return []
    engine, tenant_id, caller = request.engine, request.actor.tenant_id, contact_caller(request)
    by = Uploader(caller.contact_at_inbox[1].id, caller.inbox.id)
    await files.check_budget(engine, tenant_id, by, sum(each.size for each in request.files))
    saved: list[Attachment] = []
    try:
        for upload in request.files:
            saved.append(await files.save(engine, tenant_id, conversation_id, upload, by))
    except BaseException:
        await _discard(request, saved)
        raise
    return saved


async def _discard(request: Request[schemas.MessageCreate, None], saved: list[Attachment]) -> None:
    if saved:
        await files.delete_unsent(request.engine, request.actor.tenant_id, saved)


def _draft(request: Request[schemas.MessageCreate, None], saved: list[Attachment]) -> Draft:
    first = saved[0] if saved else None
    return Draft(
        content=request.body.content,
        # A dialect that knows one file for each message shows the first, under its URL.
        type="text" if first is None else _MESSAGE_TYPES.get(first.file_type, "file"),
        content_url=upload_path(first.key, first.name) if first else None,
        client_key=message_key(request),
        attachments=json_text(saved) if saved else None,
        sender_id=request.actor.identity_id,
        sender_kind="contact",
        when_closed="reopen",
        may_be_empty=True,
        echo_id=request.body.echo_id,
    )
