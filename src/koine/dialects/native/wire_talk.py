"""What goes over the wire about conversations, who takes part, messages and tickets."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from koine.dialects.native.wire import Bag, Id, Name, PageQuery, ShownBag, ShownWords, Text, Time
from koine.model.conversation import Channel, ParticipantRole, Priority, SenderKind, Status
from koine.model.filters import Search
from koine.model.inbox import ChannelType
from koine.model.message import CONTENT_LIMIT, MessageType, WhenClosed
from koine.model.ticket import TicketKind, TicketStatus

Label = Annotated[str, Meta(min_length=1, max_length=100)]
Labels = Annotated[list[Label], Meta(max_length=100)]


class ConversationQuery(PageQuery, frozen=True, kw_only=True):
    """Conversations that fulfil every condition given; a list is fulfilled by any of its values."""

    status: list[Status] | None = None
    kind: list[str] | None = None
    priority: Priority | None = None
    assignee_id: str | None = None
    participant_id: str | None = None
    mine: bool = False
    inbox_id: list[str] | None = None
    owner_id: list[str] | None = None
    responder_id: list[str] | None = None
    responder_version_id: list[str] | None = None
    channel_type: list[ChannelType] | None = None
    last_message_from: Time | None = None
    last_message_to: Time | None = None
    search: Search | None = None


class Joining(Struct, frozen=True):
    """Who is to take part, and as what."""

    identity_id: Id
    role: ParticipantRole = "member"


class CreateConversation(Struct, frozen=True, kw_only=True):
    """A new conversation: in an inbox, about a delivery (which has but one), or about nothing."""

    title: Name | None = None
    status: Status = "open"
    priority: Priority = "medium"
    channel: Channel | None = None
    inbox_id: Id | None = None
    owner_id: Id | None = None
    delivery_id: Id | None = None
    participants: Annotated[list[Joining], Meta(max_length=500)] = []
    metadata: Bag | None = None
    custom_attributes: Bag = {}


class ChangeConversation(Struct, frozen=True, kw_only=True):
    """What to change of a conversation; what is left out stays."""

    title: Name | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    assignee_id: Id | UnsetType | None = UNSET
    labels: Labels | UnsetType = UNSET
    metadata: Bag | UnsetType | None = UNSET
    custom_attributes: Bag | UnsetType = UNSET


class RemoveQuery(Struct, frozen=True):
    """`remove` takes it out of every list, `permanent` deletes it and all that is in it."""

    mode: Literal["remove", "permanent"] = "remove"
    reason: Text | None = None


class Person(Struct, frozen=True):
    """Someone, as far as a list shows them."""

    id: str
    kind: str
    name: str | None
    avatar_url: str | None


class Preview(Struct, frozen=True):
    """The beginning of a message."""

    content: str | None
    sender_kind: SenderKind | None
    created_at: str


class Conversation(Struct, frozen=True, kw_only=True):
    """One conversation, with all that any dialect can say of it.

    `message_count` counts what everyone may see, `last_seq` is the number of the newest message the
    caller may see;
    `unread_count` is the caller's own.
    """

    id: str
    number: int
    kind: str
    status: Status
    title: str | None
    priority: Priority | None
    channel: Channel | None
    source: str
    inbox_id: str | None
    owner_id: str | None
    owner: Person | None
    assignee_id: str | None
    assignee: Person | None
    responder_id: str | None
    responder: Person | None
    responder_version_id: str | None
    responder_active: bool
    delivery_id: str | None
    created_by: str | None
    labels: ShownWords
    metadata: Bag | msgspec.Raw | None
    custom_attributes: ShownBag
    participant_count: int
    message_count: int
    last_seq: int
    unread_count: int
    last_message: Preview | None
    previous_message: Preview | None
    last_activity_at: str
    contact_seen_at: str | None
    agent_seen_at: str | None
    created_at: str
    updated_at: str


class Conversations(Struct, frozen=True):
    """A page of conversations, newest activity first."""

    data: list[Conversation]
    next_cursor: str | None


class ChangeParticipant(Struct, frozen=True):
    """A participant's new role."""

    role: ParticipantRole


class Participant(Struct, frozen=True):
    """One who takes part, or took part until `left_at`."""

    identity_id: str
    kind: str
    name: str | None
    email: str | None
    avatar_url: str | None
    role: ParticipantRole
    joined_at: str
    left_at: str | None
    last_read_seq: int
    last_read_message_id: str | None


class Participants(Struct, frozen=True):
    """A page of participants, in the order they joined."""

    data: list[Participant]
    next_cursor: str | None


class MarkRead(Struct, frozen=True):
    """Up to which message the caller has read; to the newest without one."""

    message_id: Id | None = None


class Read(Struct, frozen=True):
    """Whether the caller's mark moved: it never moves back."""

    moved: bool


class MessageQuery(PageQuery, frozen=True, kw_only=True):
    """Messages with a number below `before` and above `after`, made from one time to another."""

    before: Annotated[int, Meta(ge=1)] | None = None
    after: Annotated[int, Meta(ge=0)] | None = None
    start: Time | None = msgspec.field(name="from", default=None)
    end: Time | None = msgspec.field(name="to", default=None)
    order: Literal["asc", "desc"] = "desc"


class CreateMessage(Struct, frozen=True, kw_only=True):
    """A message to post. `private`, `as_responder` and `when_closed` are for staff."""

    content: Annotated[str, Meta(max_length=CONTENT_LIMIT)] | None = None
    type: Literal["text", "image", "file", "audio", "video", "location"] = "text"
    content_url: Text | None = None
    metadata: Bag | None = None
    parent_id: Id | None = None
    private: bool = False
    as_responder: bool = False
    when_closed: WhenClosed = "refuse"
    client_message_id: Annotated[str, Meta(min_length=1, max_length=255)] | None = None


class Sender(Struct, frozen=True):
    """Who said it; no id where the server itself did."""

    id: str | None
    kind: SenderKind
    name: str | None
    avatar_url: str | None


class Attachment(Struct, frozen=True):
    """A stored file of a message; `size` in bytes, width and height of an image in pixels. Whoever
    has the `url` may fetch it."""

    id: str
    file_type: str
    name: str
    content_type: str
    size: int
    width: int | None
    height: int | None
    url: str


class Message(Struct, frozen=True):
    """One message. `seq` numbers every message of the conversation, `public_seq` those everyone
    may see."""

    id: str
    conversation_id: str
    seq: int
    public_seq: int
    type: MessageType
    content: str | None
    content_url: str | None
    content_type: str
    content_attributes: ShownBag
    metadata: Bag | msgspec.Raw | None
    parent_id: str | None
    private: bool
    sender: Sender
    attachments: list[Attachment]
    client_message_id: str | None
    created_at: str
    updated_at: str


class Messages(Struct, frozen=True):
    """A page of messages, newest first unless asked otherwise."""

    data: list[Message]
    next_cursor: str | None


class TakeTicket(Struct, frozen=True):
    """Who takes the ticket over; the caller without one."""

    assignee_id: Id | None = None


class Ticket(Struct, frozen=True):
    """A hand-off to people, or a support request."""

    id: str
    conversation_id: str
    kind: TicketKind
    status: TicketStatus
    customer_id: str | None
    assignee_id: str | None
    created_at: str
    ongoing_at: str | None
    completed_at: str | None
