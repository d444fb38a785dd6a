"""The types of conversations."""

from typing import Literal

from msgspec import Struct

from koine.dialects.inbox.contacts.schemas import ContactRecord
from koine.dialects.inbox.messages.schemas import Message

Status = Literal["open", "resolved", "pending", "snoozed"]


class ConversationCreate(Struct):
    """Custom attributes of the new conversation; nothing else is read."""

    custom_attributes: dict[str, object] | None = None


class Typing(Struct):
    """`on` or `off`; anything else is taken without effect."""

    typing_status: object = None


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
