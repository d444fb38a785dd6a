"""What the webhook of an inbox posts, made of the engine's nouns: pure functions, no I/O
(inbox.md, "Webhook of the inbox", F; what the contract does not say is as near as it can be)."""

from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType

from koine.dialects.inbox import wire
from koine.dialects.inbox.realtime.schemas import SENDER_TYPES
from koine.dialects.inbox.wire_people import (
    AgentSender,
    BotSender,
    ContactSender,
    sender_for_tenant,
)
from koine.engine.core.attributes import public_attributes
from koine.kit.times import iso_ms, unix
from koine.model.conversation import Conversation as ConversationNoun
from koine.model.display_name import display_name
from koine.model.event import Change
from koine.model.identity import Identity
from koine.model.inbox import Inbox
from koine.model.message import Message as MessageNoun
from koine.model.tenant import Tenant

ATTRIBUTES = {
    "status": "status",
    "assignee_id": "assignee_id",
    "priority": "priority",
    "custom_attributes": "custom_attributes",
    "labels": "label_list",
}
"""Fields of a conversation that the original has, too, and their names there; the others are not
named in `changed_attributes`."""
WORDS = ("incoming", "outgoing", "activity", "template")


class Account(Struct, frozen=True):
    """The tenant."""

    id: int
    name: str


class InboxName(Struct, frozen=True):
    """The inbox."""

    id: int
    name: str


class Assignee(Struct, frozen=True):
    """Whose work it is."""

    id: int
    name: str | None
    email: str | None
    type: str = "user"


class Meta(Struct, frozen=True):
    """The contact, and whose work it is."""

    sender: ContactSender | None
    assignee: Assignee | None


class ContactPlace(Struct, frozen=True):
    """What the contact's client knows itself by."""

    source_id: str | None


class Conversation(Struct, frozen=True, kw_only=True):
    """A conversation without what is said in it; times are Unix seconds."""

    id: int
    uuid: str
    account_id: int
    inbox_id: int
    status: wire.Status
    priority: str | None
    channel: str = "Channel::Api"
    can_reply: bool = True
    contact_inbox: ContactPlace
    meta: Meta
    labels: Raw
    custom_attributes: Raw
    additional_attributes: dict[str, object] = {}
    contact_last_seen_at: int
    agent_last_seen_at: int
    last_activity_at: int
    created_at: int
    timestamp: int


class ChangedValue(Struct, frozen=True):
    """From what to what an attribute was changed."""

    previous_value: object
    current_value: object


class ConversationEvent(Conversation, frozen=True, kw_only=True):
    """A conversation that was opened or changed; `changed_attributes` says what moved (F)."""

    event: str
    account: Account
    inbox: InboxName
    changed_attributes: list[dict[str, ChangedValue]] | UnsetType = UNSET


class ContainedMessage(Struct, frozen=True, kw_only=True):
    """The event's own message as its conversation holds it (F: bridges guard on it)."""

    id: int
    content: str | None
    account_id: int
    inbox_id: int
    conversation_id: int
    message_type: int
    created_at: int
    updated_at: str
    private: bool
    status: str = "sent"
    source_id: str | None = None
    content_type: str
    content_attributes: Raw
    sender_type: str | None
    sender_id: int | None
    external_source_ids: dict[str, str] = {}
    additional_attributes: dict[str, str] = {}
    processed_message_content: str | None
    sentiment: dict[str, str] = {}
    attachments: list[wire.Attachment] | UnsetType = UNSET
    sender: ContactSender | AgentSender | BotSender | UnsetType = UNSET


class ConversationOfMessage(Conversation, frozen=True, kw_only=True):
    """A message's conversation: of all that is said in it, the event's own message (F)."""

    messages: list[ContainedMessage]


class MessageEvent(Struct, frozen=True, kw_only=True):
    """A message that was posted or changed (F)."""

    account: Account
    additional_attributes: dict[str, object] = {}
    content_attributes: Raw
    content_type: str
    content: str | None
    conversation: ConversationOfMessage
    created_at: str
    id: int
    inbox: InboxName
    message_type: str
    private: bool
    sender: ContactSender | AgentSender | BotSender | None
    source_id: str | None = None
    attachments: list[wire.Attachment] | UnsetType = UNSET
    event: str


class Scene(Struct, frozen=True):
    """Where it happened: the account, the inbox, the conversation, and where files are."""

    tenant: Tenant
    inbox: Inbox
    conversation: ConversationNoun
    people: dict[str, Identity]
    base_url: str


def message_event(event: str, scene: Scene, m: MessageNoun) -> MessageEvent:
    """A message that was posted or changed."""
    view = wire.View(scene.tenant, scene.inbox, None, scene.base_url)
    shown = wire.message(view, scene.conversation, m, scene.people)
    return MessageEvent(
        account=account(scene.tenant),
        content_attributes=shown.content_attributes,
        content_type=shown.content_type,
        content=m.content,
        conversation=ConversationOfMessage(
            **_fields(conversation(scene)), messages=[_contained(scene, m, shown)]
        ),
        created_at=iso_ms(m.created_at),
        id=shown.id,
        inbox=InboxName(scene.inbox.number, scene.inbox.name),
        message_type=WORDS[shown.message_type],
        private=m.private,
        sender=None if shown.sender is UNSET else shown.sender,
        attachments=shown.attachments,
        event=event,
    )


def conversation_event(event: str, scene: Scene, change: Change | None) -> ConversationEvent:
    """A conversation that was opened (None), or changed so."""
    return ConversationEvent(
        **_fields(conversation(scene)),
        event=event,
        account=account(scene.tenant),
        inbox=InboxName(scene.inbox.number, scene.inbox.name),
        changed_attributes=UNSET if change is None else _changed_attributes(scene, change),
    )


def account(tenant: Tenant) -> Account:
    """The tenant as an account."""
    return Account(tenant.number, tenant.name)


def conversation(scene: Scene) -> Conversation:
    """The conversation as it is now."""
    c = scene.conversation
    owner, worker = scene.people.get(c.owner_id or ""), scene.people.get(c.assignee_id or "")
    return Conversation(
        id=c.number,
        uuid=c.id,
        account_id=scene.tenant.number,
        inbox_id=scene.inbox.number,
        status=wire.STATUSES[c.status],
        priority=c.priority,
        contact_inbox=ContactPlace(c.source_id),
        meta=Meta(
            sender_for_tenant(scene.inbox, owner) if owner else None,
            Assignee(worker.number, display_name(worker), worker.email) if worker else None,
        ),
        labels=Raw(c.labels.encode()),
        custom_attributes=Raw(public_attributes(c.custom_attributes).encode()),
        contact_last_seen_at=unix(c.contact_seen_at or 0),
        agent_last_seen_at=unix(c.agent_seen_at or 0),
        last_activity_at=unix(c.last_activity_at),
        created_at=unix(c.created_at),
        timestamp=unix(c.last_activity_at),
    )


def _fields(shown: Conversation) -> dict[str, Any]:
    return {name: getattr(shown, name) for name in Conversation.__struct_fields__}


def _contained(scene: Scene, m: MessageNoun, shown: wire.Message) -> ContainedMessage:
    sender_id = m.sender_number
    if isinstance(shown.sender, ContactSender):
        sender_id = shown.sender.id
    return ContainedMessage(
        id=shown.id,
        content=shown.content,
        account_id=scene.tenant.number,
        inbox_id=scene.inbox.number,
        conversation_id=shown.conversation_id,
        message_type=shown.message_type,
        created_at=shown.created_at,
        updated_at=iso_ms(m.updated_at),
        private=m.private,
        content_type=shown.content_type,
        content_attributes=shown.content_attributes,
        sender_type=SENDER_TYPES[m.sender_kind],
        sender_id=sender_id,
        processed_message_content=shown.content,
        attachments=shown.attachments,
        sender=shown.sender,
    )


def _changed_attributes(scene: Scene, change: Change) -> list[dict[str, ChangedValue]]:
    """What moved, by the original's names. Of what people wrote the log keeps no former value."""
    return [
        {
            ATTRIBUTES[name]: ChangedValue(
                _value(scene, name, change.previous.get(name)), _current(scene, name, value)
            )
        }
        for name, value in change.changed.items()
        if name in ATTRIBUTES
    ]


def _current(scene: Scene, name: str, value: Any) -> object:
    if name in ("labels", "custom_attributes"):
        return Raw(getattr(scene.conversation, name).encode())
    return _value(scene, name, value)


def _value(scene: Scene, name: str, value: Any) -> object:
    """A value of the log as this dialect writes it."""
    if name == "status":
        return wire.STATUSES.get(value)
    if name == "assignee_id":
        who = scene.people.get(value or "")
        return who.number if who else None
    return value
