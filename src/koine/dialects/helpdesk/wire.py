"""What goes over the wire: queries, bodies, answers (helpdesk.md)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from koine.model.message import CONTENT_LIMIT

Status = Literal["open", "closed", "pending"]
Priority = Literal["low", "medium", "high", "urgent"]
Channel = Literal["email", "chat", "phone", "whatsapp"]
Source = Literal["widget", "phone", "api", "email"]
Subject = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\S")]
Text = Annotated[str, Meta(min_length=1, max_length=CONTENT_LIMIT, pattern=r"\S")]
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Number = Annotated[int, Meta(ge=1)]


class PageQuery(Struct, frozen=True):
    """A page of a list; a larger limit is cut to 100 (contracts/README.md, D)."""

    page: Number = 1
    limit: Number = 50


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
    """All that can be changed (S); `assignedTo` null unassigns."""

    subject: Subject | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    assigned_to: str | None | UnsetType = UNSET


class DeleteConversation(Struct, frozen=True):
    """Why a conversation is deleted; kept in the audit log (S)."""

    reason: Annotated[str, Meta(max_length=2000)] | None = None


class CreateMessage(Struct, frozen=True, kw_only=True, rename="camel"):
    """A message to post (D); files cannot be sent here yet."""

    text: Text
    is_private: bool = False
    attachments: Annotated[list[object], Meta(max_length=0)] = []


class Profile(Struct, frozen=True, rename="camel"):
    """What is known of a customer (D)."""

    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    company: str | None
    job_title: str | None


class Claims(Struct, frozen=True, omit_defaults=True):
    """What was said of a customer without proof, newest last; the profile has another value (D)."""

    emails: list[str] = []
    phones: list[str] = []
    identifiers: list[str] = []


class Customer(Struct, frozen=True):
    """Whose conversation it is (S: populated; D: its fields). `unverified` names what of it only
    the customer's own client gave; it and `claims` are left out where there is nothing (D)."""

    id: str = field(name="_id")
    profile: Profile
    unverified: list[str] | UnsetType = UNSET
    claims: Claims | UnsetType = UNSET


class Assignee(Struct, frozen=True, rename="camel"):
    """Whose work it is (S: populated; D: its fields)."""

    id: str = field(name="_id")
    first_name: str | None
    last_name: str | None
    name: str | None
    email: str | None


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


class Sender(Struct, frozen=True):
    """Who said it (D)."""

    id: str = field(name="_id")
    type: Literal["customer", "user", "agent"]
    name: str | None


class Attachment(Struct, frozen=True, rename="camel"):
    """A file of a message (D); `size` in bytes."""

    id: str = field(name="_id")
    name: str
    content_type: str
    size: int


class Message(Struct, frozen=True, rename="camel"):
    """One message (D)."""

    id: str = field(name="_id")
    conversation_id: str
    text: str
    direction: Literal["inbound", "outbound"]
    is_private: bool
    sender: Sender | None
    attachments: list[Attachment]
    created_at: Time


class Inbox(Struct, frozen=True, rename="camel"):
    """An inbox, as much as the filters need (D)."""

    id: str = field(name="_id")
    name: str
    channel: Channel
    created_at: Time


class User(Assignee, frozen=True, rename="camel"):
    """A user of the tenant, as much as the filters need (D)."""

    role: str | None


class Pagination(Struct, frozen=True, rename="camel"):
    """Where a page lies in its list (S); `total` is exact."""

    total: int
    page: int
    limit: int
    total_pages: int


class Conversations(Struct, frozen=True, kw_only=True):
    """A page of conversations (S)."""

    success: bool
    data: list[Conversation]
    pagination: Pagination


class OneConversation(Struct, frozen=True, kw_only=True):
    """One conversation (S)."""

    success: bool
    data: Conversation


class Deleted(Struct, frozen=True, kw_only=True):
    """A conversation is gone (S)."""

    success: bool
    message: str


class Messages(Struct, frozen=True, kw_only=True):
    """A page of messages (D)."""

    success: bool
    data: list[Message]
    pagination: Pagination


class OneMessage(Struct, frozen=True, kw_only=True):
    """One message (D)."""

    success: bool
    data: Message


class Inboxes(Struct, frozen=True, kw_only=True):
    """A page of inboxes (D)."""

    success: bool
    data: list[Inbox]
    pagination: Pagination


class Users(Struct, frozen=True, kw_only=True):
    """A page of users (D)."""

    success: bool
    data: list[User]
    pagination: Pagination


class Health(Struct, frozen=True):
    """The server answers (F)."""

    status: Literal["ok"]


class Problem(Struct, frozen=True, rename="camel"):
    """What went wrong (F): `code` for programs, `message` for people."""

    code: str
    message: str
    details: dict[str, object] | None
    request_id: str
    timestamp: Time


class Error(Struct, frozen=True, kw_only=True):
    """Every error (F)."""

    success: bool
    error: Problem
