"""The types of contacts."""

from msgspec import UNSET, Struct, UnsetType

from koine.dialects.native.schemas import (
    Email,
    Id,
    JsonObject,
    Link,
    Name,
    PageQuery,
    RenderedObject,
    RenderedStrings,
)
from koine.model.filters import Search


class ContactQuery(PageQuery, frozen=True, kw_only=True):
    """Contacts whose name, e-mail, phone, company or identifier has the text, of these inboxes."""

    search: Search | None = None
    inbox_id: list[str] | None = None


class CreateContact(Struct, frozen=True, kw_only=True):
    """A new contact; with `inbox_id`, also its contact inbox."""

    name: Name | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    email: Email | None = None
    phone: Name | None = None
    identifier: Name | None = None
    avatar_url: Link | None = None
    company: Name | None = None
    job_title: Name | None = None
    location: Name | None = None
    country_code: Name | None = None
    custom_attributes: JsonObject = {}
    additional_attributes: JsonObject = {}
    inbox_id: Id | None = None


class ChangeContact(Struct, frozen=True, kw_only=True):
    """What to change of a contact; what is left out stays."""

    name: Name | UnsetType | None = UNSET
    first_name: Name | UnsetType | None = UNSET
    last_name: Name | UnsetType | None = UNSET
    email: Email | UnsetType | None = UNSET
    phone: Name | UnsetType | None = UNSET
    identifier: Name | UnsetType | None = UNSET
    avatar_url: Link | UnsetType | None = UNSET
    company: Name | UnsetType | None = UNSET
    job_title: Name | UnsetType | None = UNSET
    location: Name | UnsetType | None = UNSET
    country_code: Name | UnsetType | None = UNSET
    blocked: bool | UnsetType = UNSET
    email_verified: bool | UnsetType = UNSET
    phone_verified: bool | UnsetType = UNSET
    identifier_verified: bool | UnsetType = UNSET
    custom_attributes: JsonObject | UnsetType = UNSET
    additional_attributes: JsonObject | UnsetType = UNSET


class MergeContact(Struct, frozen=True, kw_only=True):
    """The contact that is merged into the one of the path, and removed."""

    contact_id: Id


class Claims(Struct, frozen=True):
    """Unverified values from clients that differ from the ones of the contact, newest last."""

    emails: list[str]
    phones: list[str]
    identifiers: list[str]


class ContactInbox(Struct, frozen=True):
    """A contact inbox. Its `source_id` and `pubsub_token` are the contact's credentials."""

    inbox_id: str
    source_id: str
    pubsub_token: str


class Contact(Struct, frozen=True):
    """A contact of the tenant. `unverified` names the values that only its own client gave. `place`
    is in the response that creates the contact, in no later one."""

    id: str
    number: int
    name: str | None
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    identifier: str | None
    avatar_url: str | None
    company: str | None
    job_title: str | None
    location: str | None
    country_code: str | None
    blocked: bool
    labels: RenderedStrings
    custom_attributes: RenderedObject
    additional_attributes: RenderedObject
    unverified: list[str]
    claims: Claims
    last_activity_at: str | None
    created_at: str
    updated_at: str
    place: ContactInbox | None = None


class Contacts(Struct, frozen=True):
    """A page of contacts, oldest first."""

    data: list[Contact]
    next_cursor: str | None
