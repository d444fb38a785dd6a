"""The types of conversations."""

from typing import Literal

from msgspec import Struct

from koine.dialects.inbox.contacts.schemas import ContactRecord
from koine.dialects.inbox.messages.schemas import Message

Status = Literal["open", "resolved", "pending", "snoozed"]


class ConversationCreate(Struct):
    """A new conversation with custom attributes; other fields are ignored."""

    custom_attributes: dict[str, object] | None = None


class Typing(Struct):
    """`on` or `off`; any other value has no effect."""

    typing_status: object = None


class Conversation(Struct):
    """One conversation with its messages, oldest first (inbox.md, S)."""

    id: int
    uuid: str
    inbox_id: int
    contact_last_seen_at: int
    status: Status
    agent_last_seen_at: int
    messages: list[Message]
    contact: ContactRecord
