"""Bodies and queries of the requests for chats, field by field in the order of chats.md (S)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from koine.dialects.chats.schemas import Role, Time, Uuid
from koine.model.filters import Search

ChannelType = Literal["widget", "waha", "whatsapp", "instagram", "api"]
ResponderEntity = Literal["agents", "squads", "workflows"]
TicketStatus = Literal["pending", "ongoing", "completed"]
Page = Annotated[float, Meta(ge=1, multiple_of=1)]
PageSize = Annotated[float, Meta(ge=1, le=100, multiple_of=1)]


class Chat(Struct, frozen=True, rename="camel"):
    """A chat."""

    created_at: Time
    id: Uuid
    is_removed: bool
    updated_at: Time
    channel_id: Uuid | None
    current_responder_id: Uuid | None
    last_chat_message_created_at: Time | None
    owner_id: Uuid
    responder_id: Uuid
    title: str | None
    workspace_id: Uuid


class ChatDetails(Struct, frozen=True, rename="camel"):
    """A chat with its owner, responder, channel and the two newest messages. It has no
    `updatedAt`."""

    channel_id: Uuid | None
    channel_name: str | None
    channel_type: ChannelType | None
    created_at: Time
    id: Uuid
    is_owner_blocked: bool | None
    is_removed: bool
    last_message_content: str | None
    last_message_created_at: Time | None
    last_message_role: Role | None
    owner_email: str | None
    owner_id: Uuid
    owner_identifier: str | None
    owner_name: str | None
    penultimate_message_content: str | None
    penultimate_message_created_at: Time | None
    penultimate_message_role: Role | None
    responder_entity: ResponderEntity
    responder_id: Uuid
    responder_name: str
    responder_picture: str | None
    responder_version_id: Uuid | None
    responder_version_number: int | None
    ticket_id: Uuid | None
    ticket_status: TicketStatus | None
    title: str | None
    workspace_id: Uuid


class Informed(Struct, frozen=True):
    """A response without data."""

    message: str


class NewChat(Struct, frozen=True, rename="camel"):
    """A new chat. All three keys are required."""

    channel_id: Uuid | None
    owner_id: Uuid
    title: str | None


class ChatChanges(Struct, frozen=True, rename="camel"):
    """Changes of a chat. An absent key changes nothing; null is a value."""

    last_chat_message_created_at: Time | None | UnsetType = UNSET
    title: str | None | UnsetType = UNSET


class VersionQuery(Struct, frozen=True, rename="camel"):
    """The query of one chat's details."""

    responder_version_id: str | None = None


class DetailsQuery(Struct, frozen=True, rename="camel"):
    """The query of the list of chats with details; `cursor` is Koine's (D)."""

    channel_ids: list[Uuid] = []
    responder_ids: list[Uuid] = []
    responder_version_ids: list[Uuid] = []
    page_number: Page = 1
    page_size: PageSize = 10
    search: Search | None = None
    cursor: str | None = None


_ALL = Meta(description="If absent: all channel types, and chats without a channel.")


class ChatsQuery(DetailsQuery, frozen=True, rename="camel"):
    """The query of the list of chats. No `channelTypes` is every chat, without a channel too."""

    channel_types: Annotated[list[ChannelType], _ALL] = []
    owner_ids: list[Uuid] = []
    last_chat_message_created_at_start: Time | None = None
    last_chat_message_created_at_end: Time | None = None
