"""What the webhook of an inbox posts, made of the engine's nouns: pure functions, no I/O
(inbox.md, "Webhook of the inbox", F; what the contract does not say is as near as it can be)."""

from msgspec import UNSET, Raw, Struct, UnsetType

from koine.dialects.inbox import wire
from koine.dialects.inbox.wire_people import (
    AgentSender,
    BotSender,
    ContactSender,
    contact_sender,
)
from koine.engine.attributes import shown
from koine.kit.times import iso_ms, unix
from koine.model.conversation import Conversation as ConversationNoun
from koine.model.identity import Identity
from koine.model.inbox import Inbox
from koine.model.message import Message as MessageNoun
from koine.model.tenant import Tenant

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


class ConversationEvent(Conversation, frozen=True, kw_only=True):
    """A conversation that was opened or changed; `changed_attributes` names the fields."""

    event: str
    account: Account
    inbox: InboxName
    changed_attributes: list[str] | UnsetType = UNSET


class MessageEvent(Struct, frozen=True, kw_only=True):
    """A message that was posted or changed (F)."""

    account: Account
    additional_attributes: dict[str, object] = {}
    content_attributes: Raw
    content_type: str
    content: str | None
    conversation: Conversation
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
        conversation=conversation(scene),
        created_at=iso_ms(m.created_at),
        id=shown.id,
        inbox=InboxName(scene.inbox.number, scene.inbox.name),
        message_type=WORDS[shown.message_type],
        private=m.private,
        sender=None if shown.sender is UNSET else shown.sender,
        attachments=shown.attachments,
        event=event,
    )


def conversation_event(event: str, scene: Scene, changed: list[str] | None) -> ConversationEvent:
    """A conversation that was opened, or changed in these fields."""
    shown = {name: getattr(conversation(scene), name) for name in Conversation.__struct_fields__}
    return ConversationEvent(
        **shown,
        event=event,
        account=account(scene.tenant),
        inbox=InboxName(scene.inbox.number, scene.inbox.name),
        changed_attributes=UNSET if changed is None else changed,
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
            contact_sender(scene.inbox, owner) if owner else None,
            Assignee(worker.number, worker.name, worker.email) if worker else None,
        ),
        labels=Raw(c.labels.encode()),
        custom_attributes=Raw(shown(c.custom_attributes).encode()),
        contact_last_seen_at=unix(c.contact_seen_at or 0),
        agent_last_seen_at=unix(c.agent_seen_at or 0),
        last_activity_at=unix(c.last_activity_at),
        created_at=unix(c.created_at),
        timestamp=unix(c.last_activity_at),
    )
