"""Bodies and queries of the requests for conversations (helpdesk.md)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from koine.dialects.helpdesk.directory.schemas import Assignee, Channel, Customer
from koine.dialects.helpdesk.schemas import PageQuery, Pagination, Time

Status = Literal["open", "closed", "pending"]
Priority = Literal["low", "medium", "high", "urgent"]
Source = Literal["widget", "phone", "api", "email"]
Subject = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\S")]


class ConversationQuery(PageQuery, frozen=True, rename="camel"):
    """Which conversations (S)."""

    status: Status | None = None
    priority: Priority | None = None
    assigned_to: str | None = None
    inbox_id: str | None = None
    customer_id: str | None = None


class CreateConversation(Struct, frozen=True, kw_only=True, rename="camel"):
    """A new conversation (S)."""

    subject: Subject
    inbox_id: str
    customer_id: str | None = None
    channel: Channel = "email"
    priority: Priority = "medium"


class UpdateConversation(Struct, frozen=True, rename="camel"):
    """Changes of a conversation (S); null as `assignedTo` unassigns it."""

    subject: Subject | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    assigned_to: str | None | UnsetType = UNSET


class DeleteConversation(Struct, frozen=True):
    """Why a conversation is deleted; written to the audit log (S)."""

    reason: Annotated[str, Meta(max_length=2000)] | None = None


class Conversation(Struct, frozen=True, rename="camel"):
    """One conversation (S; F: inboxId, labels and the times, ISO 8601)."""

    id: str = field(name="_id")
    subject: str
    status: Status
    priority: Priority
    customer_id: Customer | None
    assigned_to: Assignee | None
    inbox_id: str | None
    channel: Channel
    source: Source
    labels: list[str]
    created_at: Time
    updated_at: Time


class Conversations(Struct, frozen=True, kw_only=True):
    """A page of conversations (S)."""

    success: bool
    data: list[Conversation]
    pagination: Pagination


class OneConversation(Struct, frozen=True, kw_only=True):
    """One conversation (S)."""

    success: bool
    data: Conversation
