"""Inboxes: the doors through which contacts reach a tenant, and a contact's place in one."""

from typing import Literal

from msgspec import Struct

ChannelType = Literal["email", "chat", "phone", "whatsapp", "widget", "waha", "instagram", "api"]
CHANNEL_TYPES: tuple[str, ...] = (
    "email", "chat", "phone", "whatsapp", "widget", "waha", "instagram", "api",
)  # fmt: skip


class Inbox(Struct, frozen=True):
    """One inbox. `identifier` is its public name on the inbox API (at least 128 random bits),
    `hmac_token` signs contacts' identifiers, `settings` is JSON text the engine reads through
    `InboxSettings`.
    """

    id: str
    number: int
    name: str
    channel_type: ChannelType
    identifier: str
    hmac_token: str
    identity_required: bool
    single_conversation: bool
    responder_id: str | None
    settings: str
    created_at: int
    updated_at: int
    removed_at: int | None


class ContactInbox(Struct, frozen=True):
    """A contact's place in an inbox: `source_id` is what the contact's client knows it by,
    `pubsub_token` opens its stream, `verified` says a valid identity hash was shown.
    """

    inbox_id: str
    contact_id: str
    source_id: str
    pubsub_token: str
    verified: bool
    created_at: int
