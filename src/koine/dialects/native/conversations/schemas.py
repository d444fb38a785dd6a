"""The types of conversations."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from koine.dialects.native.participants.schemas import AddParticipant
from koine.dialects.native.schemas import (
    Id,
    JsonObject,
    Name,
    PageQuery,
    RenderedObject,
    RenderedStrings,
    Text,
    Time,
)
from koine.model.conversation import Channel, Priority, SenderKind, Status
from koine.model.filters import Search
from koine.model.inbox import ChannelType

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


class CreateConversation(Struct, frozen=True, kw_only=True):
    """A new conversation: in an inbox, about a delivery (which has but one), or about nothing."""

    title: Name | None = None
    status: Status = "open"
    priority: Priority = "medium"
    channel: Channel | None = None
    inbox_id: Id | None = None
    owner_id: Id | None = None
    delivery_id: Id | None = None
    participants: Annotated[list[AddParticipant], Meta(max_length=500)] = []
    metadata: JsonObject | None = None
    custom_attributes: JsonObject = {}


class ChangeConversation(Struct, frozen=True, kw_only=True):
    """What to change of a conversation; what is left out stays."""

    title: Name | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    assignee_id: Id | UnsetType | None = UNSET
    labels: Labels | UnsetType = UNSET
    metadata: JsonObject | UnsetType | None = UNSET
    custom_attributes: JsonObject | UnsetType = UNSET


class RemoveQuery(Struct, frozen=True):
    """`remove` takes it out of every list, `permanent` deletes it and all that is in it."""

    mode: Literal["remove", "permanent"] = "remove"
    reason: Text | None = None


class Person(Struct, frozen=True):
    """The owner, assignee or responder of a conversation."""

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

    `message_count` counts what everyone may see, `last_seq` is the `seq` of the newest message the
    caller may see; `unread_count` is the caller's own.
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
    labels: RenderedStrings
    metadata: JsonObject | msgspec.Raw | None
    custom_attributes: RenderedObject
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
