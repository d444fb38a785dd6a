"""The types of contacts, and of agents and bots as the senders of messages. Everything a client
sends is optional: an empty body is normal here (inbox.md, F)."""

from msgspec import UNSET, Struct, UnsetType


class ContactCreate(Struct):
    """A new contact; `source_id` is the client's own id for it."""

    source_id: str | None = None
    identifier: str | None = None
    identifier_hash: str | None = None
    email: str | None = None
    name: str | None = None
    avatar_url: str | None = None
    phone_number: str | None = None
    custom_attributes: dict[str, object] | None = None


class ContactUpdate(Struct):
    """Changes of a contact; blank values change nothing. The identifier is not changed: with its
    hash it proves that the client is another contact, who has the given email or phone."""

    identifier: str | None = None
    identifier_hash: str | None = None
    email: str | None = None
    name: str | None = None
    avatar_url: str | None = None
    phone_number: str | None = None
    custom_attributes: dict[str, object] | None = None


class ContactCreated(Struct):
    """The contact's data with the token of its stream (F: exactly these fields)."""

    source_id: str
    pubsub_token: str
    id: int
    name: str | None
    email: str | None
    phone_number: str | None


class ContactRecord(Struct):
    """The contact with all fields (inbox.md, S + F order)."""

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
    """A contact as the sender of a message (F). `unverified` names the values that only its own
    client gave; it is sent to the tenant alone (in webhooks), and absent if empty (D)."""

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
    """A user of the tenant as the sender of a message (F)."""

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
