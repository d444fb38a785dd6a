"""Bodies and queries of the requests for conversations (delivery.md, Objects, D)."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from koine.dialects.delivery.messages.schemas import MessageItem
from koine.dialects.delivery.participants.schemas import MAX_USERS, NewParticipant, Participant
from koine.dialects.delivery.schemas import Common, Json, Page, Time, Uuid


class ListConversations(Common, frozen=True):
    """The query of a list of conversations; `limit` is cut to 100 (D)."""

    type: str | None = None
    status: Literal["active", "closed"] | None = None
    user_id: Uuid | None = None
    page: Page = 1
    limit: Page = 20


class CreateConversation(Struct, frozen=True):
    """A new conversation. `type` is ignored: it is always `order` (S)."""

    delivery_id: Uuid | None = None
    metadata: dict[str, object] | None = None
    participants: Annotated[list[Uuid | NewParticipant], Meta(max_length=MAX_USERS)] | None = None
    title: Annotated[str, Meta(max_length=1000)] | None = None


class Conversation(Struct, frozen=True, gc=False):
    """One conversation with its participants and latest message; `unread_count` is that of
    the caller, or of the user in a list by `user_id`."""

    id: Uuid
    tenant_id: Uuid
    type: str
    status: Literal["active", "closed"]
    title: str | None
    delivery_id: Uuid | None
    metadata: Json
    created_by: Uuid | None
    created_at: Time
    updated_at: Time
    participants: list[Participant]
    latest_message: MessageItem | None
    unread_count: int


class Conversations(Struct, frozen=True):
    """A page of conversations."""

    success: bool
    message: str
    conversations: list[Conversation]
    total: int
    page: int
    limit: int


class OneConversation(Struct, frozen=True):
    """A conversation."""

    success: bool
    message: str
    conversation: Conversation
