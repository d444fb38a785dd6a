"""Bodies of the requests for inboxes and users, and the people of a conversation
(helpdesk.md, D)."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType, field

from koine.dialects.helpdesk.schemas import Pagination, Time

Channel = Literal["email", "chat", "phone", "whatsapp"]


class Profile(Struct, frozen=True, rename="camel"):
    """The data of a customer (D)."""

    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    company: str | None
    job_title: str | None


class Claims(Struct, frozen=True, omit_defaults=True):
    """Values that a client gave without proof, where the profile has others; newest last (D)."""

    emails: list[str] = []
    phones: list[str] = []
    identifiers: list[str] = []


class Customer(Struct, frozen=True):
    """The customer of a conversation (S: populated; D: its fields). `unverified` names the values
    that only the customer's own client gave; it and `claims` are absent if empty (D)."""

    id: str = field(name="_id")
    profile: Profile
    unverified: list[str] | UnsetType = UNSET
    claims: Claims | UnsetType = UNSET


class Assignee(Struct, frozen=True, rename="camel"):
    """The user whose work it is (S: populated; D: its fields)."""

    id: str = field(name="_id")
    first_name: str | None
    last_name: str | None
    name: str | None
    email: str | None


class Inbox(Struct, frozen=True, rename="camel"):
    """An inbox, with the fields that the filters use (D)."""

    id: str = field(name="_id")
    name: str
    channel: Channel
    created_at: Time


class User(Assignee, frozen=True, rename="camel"):
    """A user of the tenant, with the fields that the filters use (D)."""

    role: str | None


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
