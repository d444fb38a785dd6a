"""The types of contacts, and of agents and bots as the senders of messages. Everything a client
sends is optional: an empty body is normal here (inbox.md, F)."""

from msgspec import UNSET, Struct, UnsetType


class ContactCreate(Struct):
    """A new contact, as far as the client knows it; `source_id` is the client's own name for it."""

    source_id: str | None = None
    identifier: str | None = None
    identifier_hash: str | None = None
    email: str | None = None
    name: str | None = None
    avatar_url: str | None = None
    phone_number: str | None = None
    custom_attributes: dict[str, object] | None = None


class ContactUpdate(Struct):
    """What to change of a contact; blank values change nothing. The identifier is never written:
    with its hash it proves to be another contact, that has the email or phone."""

    identifier: str | None = None
    identifier_hash: str | None = None
    email: str | None = None
    name: str | None = None
    avatar_url: str | None = None
    phone_number: str | None = None
    custom_attributes: dict[str, object] | None = None


class ContactCreated(Struct):
    """What a client needs to know of its contact (F: exactly these)."""

    source_id: str
    pubsub_token: str
    id: int
    name: str | None
    email: str | None
    phone_number: str | None


class ContactRecord(Struct):
    """The whole contact (inbox.md, S + F order)."""

    id: int
    name: str | None
    email: str | None
    phone_number: str | None
    account_id: int
    created_at: str
    updated_at: str
    additional_attributes: dict[str, object]
    identifier: str | None
    custom_attributes: dict[str, object]
    last_activity_at: str | None
    contact_type: str
    middle_name: str
    last_name: str
    location: str | None
    country_code: str | None
    blocked: bool
    company_id: int | None = None
    label_list: list[str] = []


class ContactSender(Struct, tag_field="type", tag="contact"):
    """A contact as the sender of a message (F). `unverified` names what only its own client gave:
    in webhooks, for those are the tenant's, and left out where there is nothing (D)."""

    additional_attributes: dict[str, object]
    custom_attributes: dict[str, object]
    email: str | None
    id: int
    identifier: str | None
    name: str | None
    phone_number: str | None
    thumbnail: str
    blocked: bool
    unverified: list[str] | UnsetType = UNSET


class AgentSender(Struct, tag_field="type", tag="user"):
    """One of the tenant's people as the sender of a message (F)."""

    id: int
    name: str
    available_name: str
    avatar_url: str
    availability_status: str
    thumbnail: str


class BotSender(Struct, tag_field="type", tag="agent_bot"):
    """A responder as the sender of a message (F)."""

    id: int
    name: str
    avatar_url: str
