"""What goes over the wire, and how it is made of the engine's nouns: pure functions, no I/O."""

from typing import Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from koine.dialects.inbox.wire_people import (
    AgentSender,
    BotSender,
    ContactRecord,
    ContactSender,
    agent_sender,
    bot_sender,
    contact_record,
    contact_sender,
    other_sender,
    sender_for_tenant,
)
from koine.engine.core import attributes
from koine.kit.times import unix
from koine.model.conversation import Conversation as ConversationNoun
from koine.model.conversation import Status as StatusNoun
from koine.model.identity import Identity
from koine.model.inbox import Inbox
from koine.model.links import upload_path
from koine.model.message import Attachment as AttachmentNoun
from koine.model.message import Message as MessageNoun
from koine.model.related import Related
from koine.model.tenant import Tenant

Status = Literal["open", "resolved", "pending", "snoozed"]
STATUSES: dict[StatusNoun, Status] = {
    "open": "open",
    "pending": "pending",
    "snoozed": "snoozed",
    "closed": "resolved",
}
CONTENT_TYPES = frozenset(
    {
        "text", "input_text", "input_textarea", "input_email", "input_select", "cards", "form",
        "article", "incoming_email", "input_csat", "integrations", "sticker",
    }
)  # fmt: skip
LINKED = frozenset({"image", "audio", "video", "file"})
"""Message types whose `content_url` is shown as an attachment."""
SENDER_BYTES = 4096
"""Encoded attributes that each message of a contact repeats at most."""


class Attachment(Struct):
    """A file of a message; `transcribed_text` for audio alone (inbox.md, S + F)."""

    id: int
    message_id: int
    file_type: str
    account_id: int
    extension: str | None
    data_url: str
    thumb_url: str
    file_size: int | None
    width: int | None
    height: int | None
    transcribed_text: str | UnsetType = UNSET


class Message(Struct):
    """One message; `attachments` and `sender` are left out when there are none (F)."""

    id: int
    content: str | None
    message_type: int
    content_type: str
    content_attributes: Raw
    created_at: int
    conversation_id: int
    attachments: list[Attachment] | UnsetType = UNSET
    sender: ContactSender | AgentSender | BotSender | UnsetType = UNSET


class Conversation(Struct):
    """One conversation with all that is said in it, oldest first (inbox.md, S)."""

    id: int
    uuid: str
    inbox_id: int
    contact_last_seen_at: int
    status: Status
    agent_last_seen_at: int
    messages: list[Message]
    contact: ContactRecord


class View(Struct, frozen=True):
    """For whom it is rendered: the account, the inbox entered by, the contact (None: a webhook),
    where files are. `records` and `senders` keep what was rendered of a contact: a list has the
    same one over and over."""

    tenant: Tenant
    inbox: Inbox
    contact: Identity | None
    base_url: str
    records: dict[tuple[Tenant, Inbox, Identity], ContactRecord] = {}
    senders: dict[tuple[Inbox, Identity], ContactSender] = {}


def conversation(view: View, c: ConversationNoun, around: Related) -> Conversation:
    """One conversation with what surrounds it ("messages", "people", "inboxes")."""
    of = around.inboxes.get(c.inbox_id or "", view.inbox)
    assert view.contact is not None
    return Conversation(
        id=c.number,
        uuid=c.id,
        inbox_id=of.number,
        contact_last_seen_at=unix(c.contact_seen_at or 0),
        status=STATUSES[c.status],
        agent_last_seen_at=unix(c.agent_seen_at or 0),
        messages=messages(view, c, around),
        contact=_record(view, view.contact),
    )


def messages(view: View, c: ConversationNoun, around: Related) -> list[Message]:
    """What the contact may read of what was said in a conversation ("messages", "people"): never
    private notes, never notices of activity (F)."""
    said = around.messages.get(c.id, [])
    return [message(view, c, m, around.people) for m in said if is_shown(m)]


def is_shown(m: MessageNoun) -> bool:
    """Whether the client API shows this message at all (F)."""
    return not m.private and message_type(m) != 2


def message(
    view: View, c: ConversationNoun, m: MessageNoun, people: dict[str, Identity]
) -> Message:
    """One message of a conversation; `people` may hold its sender."""
    return Message(
        id=m.number,
        content=m.content,
        message_type=message_type(m),
        content_type=m.content_type if m.content_type in CONTENT_TYPES else "text",
        content_attributes=Raw(attributes.public_attributes(m.content_attributes).encode()),
        created_at=unix(m.created_at),
        conversation_id=c.number,
        attachments=_attachments(view, m) or UNSET,
        sender=_sender(view, m, people),
    )


def message_type(m: MessageNoun) -> int:
    """0 from the contact, 1 from a person or responder, 3 a template, 2 a notice (README, D)."""
    if m.sender_kind == "contact":
        return 0
    if m.sender_kind == "system":
        return 3 if m.type == "template" else 2
    return 1


def _attachments(view: View, m: MessageNoun) -> list[Attachment]:
    number = m.number
    if m.attachments is not None:
        stored = msgspec.json.decode(m.attachments, type=list[AttachmentNoun])
        return [_stored(view, number, each) for each in stored]
    if m.content_url is None or m.type not in LINKED:
        return []
    thumb = m.content_url if m.type == "image" else ""
    return [
        Attachment(
            id=number,
            message_id=number,
            file_type=m.type,
            account_id=view.tenant.number,
            extension=None,
            data_url=m.content_url,
            thumb_url=thumb,
            file_size=None,
            width=None,
            height=None,
            transcribed_text="" if m.type == "audio" else UNSET,
        )
    ]


def _stored(view: View, number: int, file: AttachmentNoun) -> Attachment:
    url = f"{view.base_url}{upload_path(file.key, file.name)}"
    return Attachment(
        id=file.number,
        message_id=number,
        file_type=file.file_type,
        account_id=view.tenant.number,
        extension=file.extension,
        data_url=url,
        thumb_url=url if file.file_type == "image" else "",
        file_size=file.size,
        width=file.width,
        height=file.height,
        transcribed_text="" if file.file_type == "audio" else UNSET,
    )


def _sender(
    view: View, m: MessageNoun, people: dict[str, Identity]
) -> ContactSender | AgentSender | BotSender | UnsetType:
    if m.sender_kind == "system" or m.sender_id is None:
        return UNSET
    if m.sender_kind == "contact":
        who = people.get(m.sender_id)
        if view.contact is not None:
            is_own = m.sender_id == view.contact.id
            return _contact(view, view.contact) if is_own else other_sender(who)
        return UNSET if who is None else _contact(view, who)
    return bot_sender(m) if m.sender_kind == "responder" else agent_sender(m)


def _record(view: View, who: Identity) -> ContactRecord:
    key = (view.tenant, view.inbox, who)
    if key not in view.records:
        view.records[key] = contact_record(*key)
    return view.records[key]


def _contact(view: View, who: Identity) -> ContactSender:
    """The sender of a message has its attributes only while they are few: a list repeats them with
    every message, and its contact's record has them all (D)."""
    key = (view.inbox, who)
    if key not in view.senders:
        made = (sender_for_tenant if view.contact is None else contact_sender)(*key)
        bags = (made.custom_attributes, made.additional_attributes)
        if len(msgspec.json.encode(bags)) > SENDER_BYTES:
            made = msgspec.structs.replace(made, custom_attributes={}, additional_attributes={})
        view.senders[key] = made
    return view.senders[key]
