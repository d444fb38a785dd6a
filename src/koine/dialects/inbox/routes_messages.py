"""What is said in a conversation."""

from koine.dialects.inbox import wire
from koine.dialects.inbox.auth import CONVERSATION, entry_of, number_in, view_of
from koine.dialects.inbox.blocked import refuse_blocked
from koine.dialects.inbox.bodies import MessageCreate, MessagesQuery, MessageUpdate, submitted
from koine.dialects.inbox.routes_conversations import NUMBERED
from koine.dialects.inbox.wire import Message
from koine.engine.conversations import contact_conversations, files, messages, surveys
from koine.engine.conversations.files import Uploader
from koine.http.idempotency import message_key
from koine.http.request import Request
from koine.http.route import Routes
from koine.kit.json import json_text
from koine.model.conversation import Conversation
from koine.model.errors import NotFound, Refusal, Unavailable
from koine.model.links import upload_path
from koine.model.message import Attachment, Draft, MessageType
from koine.model.message import Message as MessageNoun

routes = Routes()
MESSAGES = CONVERSATION + "/messages"
KINDS: dict[str, MessageType] = {"image": "image", "audio": "audio", "video": "video"}


@routes.get(
    MESSAGES,
    query=MessagesQuery,
    returns=list[Message],
    other_statuses=(401, 404, 422, 429),
    path_types=NUMBERED,
    tags=("Messages",),
)
async def list_messages(call: Request[None, MessagesQuery]) -> list[Message]:
    """List the newest messages, or those before or after one, oldest first."""
    number = number_in(call, "conversation")
    shown = await contact_conversations.message_page(
        call.engine, call.actor, entry_of(call), number, call.query.before, call.query.after
    )
    return wire.messages(view_of(call), shown.one, shown.related)


@routes.post(
    MESSAGES,
    body=MessageCreate,
    stores_own_key=True,
    returns=Message,
    forms=True,
    other_statuses=(400, 401, 403, 404, 413, 422, 429),
    path_types=NUMBERED,
    files=("attachments",),
    tags=("Messages",),
)
async def create_message(call: Request[MessageCreate, None]) -> Message:
    """Send a message, with files if it is a multipart form."""
    refuse_blocked(call)
    number, now = number_in(call, "conversation"), call.engine.clock.now()
    found = await contact_conversations.for_sending(
        call.engine, call.actor, entry_of(call), number, now, message_key(call)
    )
    draft = _draft(call, saved := await _stored(call, found.id))
    try:
        message = await messages.send(call.engine, call.actor, found.id, draft)
    except Unavailable:
        # Whether it was written is unknown: its files must be there if it was.
        raise
    except Refusal:
        await _discard(call, saved)
        raise
    if message.attachments != draft.attachments:
        # The key is an older message's, with the same files of its own.
        await _discard(call, saved)
    return wire.message(view_of(call), found, message, {})


async def _now(call: Request[MessageUpdate, None]) -> Message:
    """The message of the path, as it is now."""
    found, message = await _named(call)
    return wire.message(view_of(call), found, message, {})


@routes.update(
    MESSAGES + "/{message}",
    replay=_now,
    body=MessageUpdate,
    returns=Message,
    forms=True,
    other_statuses=(400, 401, 403, 404, 422, 429),
    path_types=NUMBERED | {"message": "integer"},
    tags=("Messages",),
)
async def update_message(call: Request[MessageUpdate, None]) -> Message:
    """Fill in a form or survey that a message holds."""
    found, before = await _named(call)
    surveys.check_open(before, call.engine.clock.now())
    values = submitted(call.body.submitted_values)
    after = before
    if values is not None:
        after = await messages.submit_values(call.engine, call.actor, found.id, before.seq, values)
    return wire.message(view_of(call), found, after, {})


async def _named(call: Request[MessageUpdate, None]) -> tuple[Conversation, MessageNoun]:
    number = number_in(call, "conversation")
    found = await contact_conversations.get(call.engine, call.actor, entry_of(call), number)
    named = number_in(call, "message")
    message = await messages.numbered(call.engine, call.actor, found.id, named)
    if not wire.is_shown(message):
        raise NotFound("message")
    return found, message


async def _stored(call: Request[MessageCreate, None], conversation_id: str) -> list[Attachment]:
    if not call.files:
        return []
    engine, tenant_id, entry = call.engine, call.actor.tenant_id, entry_of(call)
    by = Uploader(entry.contact_at_inbox[1].id, entry.inbox.id)
    await files.check_budget(engine, tenant_id, by, sum(each.size for each in call.files))
    saved: list[Attachment] = []
    try:
        for upload in call.files:
            saved.append(await files.save(engine, tenant_id, conversation_id, upload, by))
    except BaseException:
        await _discard(call, saved)
        raise
    return saved


async def _discard(call: Request[MessageCreate, None], saved: list[Attachment]) -> None:
    if saved:
        await files.discard(call.engine, call.actor.tenant_id, saved)


def _draft(call: Request[MessageCreate, None], saved: list[Attachment]) -> Draft:
    first = saved[0] if saved else None
    return Draft(
        content=call.body.content,
        # Readers whose API has one file a message find the first one under its URL.
        type="text" if first is None else KINDS.get(first.file_type, "file"),
        content_url=upload_path(first.key, first.name) if first else None,
        client_key=message_key(call),
        attachments=json_text(saved) if saved else None,
        sender_id=call.actor.identity_id,
        sender_kind="contact",
        when_closed="reopen",
        may_be_empty=True,
        echo_id=call.body.echo_id,
    )
