"""The types of what the webhook of an inbox sends (inbox.md, "Webhook of the inbox", F; what the
contract does not say follows the original)."""

from msgspec import UNSET, Raw, Struct, UnsetType

from koine.dialects.inbox.contacts.schemas import AgentSender, BotSender, ContactSender
from koine.dialects.inbox.conversations.schemas import Status
from koine.dialects.inbox.messages.schemas import Attachment


class Account(Struct, frozen=True):
    """The tenant."""

    id: int
    name: str


class InboxName(Struct, frozen=True):
    """The inbox."""

    id: int
    name: str


class Assignee(Struct, frozen=True):
    """The agent whom the conversation is assigned to."""

    id: int
    name: str | None
    email: str | None
    type: str = "user"


class Meta(Struct, frozen=True):
    """The contact and the assigned agent."""

    sender: ContactSender | None
    assignee: Assignee | None


class ContactInbox(Struct, frozen=True):
    """The contact inbox through which the conversation was opened."""

    source_id: str | None


class Conversation(Struct, frozen=True, kw_only=True):
    """A conversation without its messages; times are Unix seconds."""

    id: int
    uuid: str
    account_id: int
    inbox_id: int
    status: Status
    priority: str | None
    channel: str = "Channel::Api"
    can_reply: bool = True
    contact_inbox: ContactInbox
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
    """The value of an attribute before and after a change."""

    previous_value: object
    current_value: object


class ConversationEvent(Conversation, frozen=True, kw_only=True):
    """A conversation that was created or changed; `changed_attributes` of a change alone (F)."""

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
    attachments: list[Attachment] | UnsetType = UNSET
    sender: ContactSender | AgentSender | BotSender | UnsetType = UNSET


class ConversationOfMessage(Conversation, frozen=True, kw_only=True):
    """A message's conversation; of its messages only the event's own (F)."""

    messages: list[ContainedMessage]


class MessageEvent(Struct, frozen=True, kw_only=True):
    """A message that was sent or changed (F)."""

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
    attachments: list[Attachment] | UnsetType = UNSET
    event: str
