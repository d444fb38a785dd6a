"""Messages: send, list, mark as read, and the few changes that are possible in one."""

import msgspec
from msgspec import Struct, structs

from koine.engine.auth import access
from koine.engine.conversations import conversations, surveys
from koine.engine.core import attributes
from koine.engine.core.engine import Engine
from koine.engine.core.operations import read_tx, write_tx
from koine.engine.core.recorder import record_event
from koine.engine.sending.send import ConversationClosed, SendRequest
from koine.kit import logs
from koine.kit.json import json_text
from koine.model.actor import Actor
from koine.model.conversation import Conversation, Participant, Status
from koine.model.errors import Forbidden, Invalid, NotFound, Refusal
from koine.model.filters import MessageFilter
from koine.model.links import check_link
from koine.model.message import CLIENT_TYPES, CONTENT_LIMIT, Draft, Message
from koine.model.page import Window
from koine.model.permissions import WRITE_CONVERSATIONS
from koine.store.contacts import inboxes
from koine.store.conversations import conversations as rows
from koine.store.conversations import message_lists, message_numbers, messages, participants
from koine.store.core.db import Tx


class MessagePage(Struct, frozen=True):
    """A page of a conversation's messages, the conversation, and the reader as participant."""

    conversation: Conversation
    participant: Participant | None
    items: list[Message]
    total: int
    next: tuple[int, str] | None


async def send(engine: Engine, actor: Actor, conversation_id: str, draft: Draft) -> Message:
    """Send a message; when this returns, it is on disk.

    Raises Invalid for a draft that clients may not send, NotFound, Forbidden for an actor that sees
    the conversation without being a participant (delivery.md, S) or is blocked, Conflict("closed").
    """
    check(draft)
    if not draft.must_participate and actor.kind != "contact":
        access.require(actor, WRITE_CONVERSATIONS)
    if draft.parent_id is not None:
        draft = structs.replace(draft, sees_private=access.sees_private(actor))
    return await send_unchecked(engine, actor, conversation_id, draft)


async def send_unchecked(
    engine: Engine, actor: Actor, conversation_id: str, draft: Draft
) -> Message:
    """As `send`, for a draft that the server made or has checked (templates, greetings)."""
    waiting = SendRequest(actor.tenant_id, conversation_id, draft, logs.request_id())
    try:
        return await engine.write_batcher.send(waiting)
    except ConversationClosed:
        await _reopen(engine, actor, conversation_id)
        return await engine.write_batcher.send(waiting)
    except NotFound as refusal:
        if refusal.entity == "participant":
            raise await _not_a_participant(engine, actor, conversation_id) from None
        raise


def check(draft: Draft) -> None:
    """Raise Invalid for a draft that clients may not send (delivery.md, S and D; inbox.md, F)."""
    if draft.type not in CLIENT_TYPES:
        raise Invalid("message_type", "reserved", f"message_type {draft.type} is not for clients")
    has_text = bool(draft.content and draft.content.strip())
    if draft.content is not None and len(draft.content) > CONTENT_LIMIT:
        text = f"Content is too long (maximum is {CONTENT_LIMIT} characters)"
        raise Invalid("content", "too_long", text)
    bare = draft.type == "text" and not has_text and draft.attachments is None
    if bare and not draft.may_be_empty:
        raise Invalid("content", "blank", "content can't be blank")
    attributes.check("metadata", draft.metadata)
    check_link("content_url", draft.content_url)
    if draft.type in ("image", "file", "audio", "video") and not (
        draft.content_url or has_text or draft.attachments
    ):
        raise Invalid("content_url", "missing", f"a {draft.type} needs content_url or content")


@read_tx
async def find_page(
    tx: Tx,
    actor: Actor,
    conversation_id: str,
    f: MessageFilter,
    window: Window,
    as_participant: bool = False,
) -> MessagePage:
    """A page of messages with its exact total, newest first unless the filter says otherwise.

    With `as_participant` delivery.md's rule applies (S): only participants and system admins read
    messages. Private notes are only for staff. Raises NotFound, Forbidden.
    """
    fetch = (
        access.conversation_to_read_as_participant
        if as_participant
        else access.conversation_to_read
    )
    found, me = await fetch(tx, actor, conversation_id)
    f = structs.replace(f, with_private=f.with_private and access.sees_private(actor))
    total = await _total(tx, found, f)
    listed = await message_lists.find_page(tx, found.id, *_by_number(found, f, window))
    return MessagePage(found, me, listed.items, total, listed.next)


@read_tx
async def get_by_seq(tx: Tx, actor: Actor, conversation_id: str, seq: int) -> Message:
    """The message with this `seq`. Raises NotFound, for a private note unless for staff."""
    await access.conversation_to_read(tx, actor, conversation_id)
    message = await messages.get_by_seq(tx, conversation_id, seq)
    if message is None or (message.private and not access.sees_private(actor)):
        raise NotFound("message")
    return message


@read_tx
async def get_by_number(tx: Tx, actor: Actor, conversation_id: str, number: int) -> Message:
    """The message with this `number`, which counts all messages of the server. Raises as
    `get_by_seq`."""
    seq = await message_numbers.below(tx, conversation_id, number) + 1
    message = await get_by_seq.in_tx(tx, actor, conversation_id, seq)
    if message.number != number:
        raise NotFound("message")
    return message


@read_tx
async def get(tx: Tx, actor: Actor, conversation_id: str, message_id: str) -> Message:
    """The message with this id. Raises as `get_by_seq`."""
    await access.conversation_to_read(tx, actor, conversation_id)
    message = await messages.get(tx, conversation_id, message_id)
    if message is None or (message.private and not access.sees_private(actor)):
        raise NotFound("message")
    return message


@write_tx
async def mark_read(
    tx: Tx, now: int, actor: Actor, conversation_id: str, message_id: str | None = None
) -> bool:
    """Move the actor's read mark to a message, or to the newest, never back. Returns whether it
    moved."""
    found, me = await access.locked_conversation(tx, actor, conversation_id)
    if me is None or me.left_at is not None or (message_id is None and found.last_seq == 0):
        return False
    look = rows.seen_by_contact if me.identity_id == found.owner_id else rows.seen_by_agent
    await look(tx, found.id, now)
    mark = await _mark(tx, actor, found, message_id)
    moved = await participants.mark_read(tx, found.id, me.identity_id, mark)
    # The time of the last look changes even when the mark does not.
    await record_event(
        tx, now, "conversation.read", me.identity_id, conversation_id=found.id, seq=mark[0]
    )
    return moved


@write_tx
async def submit_values(
    tx: Tx, now: int, actor: Actor, conversation_id: str, seq: int, submitted: dict[str, object]
) -> Message:
    """Merge what a person submitted into a message's content attributes (forms, surveys).
    Raises NotFound, Invalid("submitted_values") beyond the limits of attributes."""
    attributes.check_values("submitted_values", submitted)
    await access.locked_conversation(tx, actor, conversation_id)
    await access.require_not_blocked(tx, actor)
    message = await messages.get_by_seq(tx, conversation_id, seq)
    if message is None or message.private:
        raise NotFound("message")
    before = msgspec.json.decode(message.content_attributes, type=dict[str, object])
    merged = before | surveys.merge_answer(before, submitted)
    text = json_text(merged)
    await messages.set_content_attributes(tx, message, text, now)
    await record_event(
        tx, now, "message.updated", message.id, conversation_id=conversation_id, seq=seq
    )
    return structs.replace(message, content_attributes=text, updated_at=now)


async def _mark(
    tx: Tx, actor: Actor, found: Conversation, message_id: str | None
) -> participants.ReadMark:
    """The mark at the named message or at the end: `seq`, count of public messages, and the message
    that is shown as last read. Everyone sees the latter, so it is never a private note."""
    if message_id is None:
        shown = await messages.get_by_seq(tx, found.id, found.last_public_seq)
        return found.last_seq, found.public_count, shown.id if shown else None
    named = await messages.get(tx, found.id, message_id)
    if named is None or (named.private and not access.sees_private(actor)):
        raise NotFound("message")
    return named.seq, named.public_seq, None if named.private else named.id


def _by_number(
    found: Conversation, f: MessageFilter, window: Window
) -> tuple[MessageFilter, Window]:
    """Translate page numbers and cursors to bounds of `seq`, where the filter leaves nothing out:
    after `deleted_seq` there are no gaps, so that page 500 costs what page 1 does."""
    if window.cursor is not None:
        bound = {"after_seq" if f.oldest_first else "before_seq": window.cursor[0]}
        return structs.replace(f, **bound), structs.replace(window, cursor=None)
    dense = f.with_private or found.message_count == found.public_message_count
    if not dense or window.offset == 0 or not _finds_all(f):
        return f, window
    if f.oldest_first:
        f = structs.replace(f, after_seq=found.deleted_seq + window.offset)
    else:
        f = structs.replace(f, before_seq=found.last_seq - window.offset + 1)
    return f, structs.replace(window, offset=0)


async def _total(tx: Tx, found: Conversation, f: MessageFilter) -> int:
    if not _finds_all(f):
        return await message_lists.count(tx, found.id, f)
    return found.message_count if f.with_private else found.public_message_count


def _finds_all(f: MessageFilter) -> bool:
    """Whether it finds every message, or every public one, in either order."""
    return f.conditions().keys() <= {"with_private", "oldest_first"}


async def _not_a_participant(engine: Engine, actor: Actor, conversation_id: str) -> Refusal:
    """Forbidden for an actor that sees the conversation, else NotFound."""
    try:
        await conversations.get(engine, actor, conversation_id)
    except NotFound as hidden:
        return hidden
    return Forbidden("participant")


@write_tx
async def _reopen(tx: Tx, now: int, actor: Actor, conversation_id: str) -> None:
    """A contact's message reopens a snoozed or closed conversation, as pending where a responder
    answers its inbox (inbox.md, F)."""
    found = await rows.lock(tx, conversation_id)
    if found is None or found.status not in ("closed", "snoozed"):
        return
    inbox = await inboxes.get(tx, found.inbox_id) if found.inbox_id else None
    awaits_bot = found.status == "closed" and inbox is not None and inbox.responder_id is not None
    status: Status = "pending" if awaits_bot else "open"
    await conversations.change_tx(
        tx, now, actor, found, conversations.ConversationChanges(status=status)
    )
