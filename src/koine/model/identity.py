"""Identities: users, contacts and responders, who own, join or write in conversations."""

from typing import Literal

from msgspec import Struct

IdentityKind = Literal["user", "contact", "agent", "squad", "workflow"]
ResponderKind = Literal["agent", "squad", "workflow"]
RESPONDER_KINDS: frozenset[str] = frozenset({"agent", "squad", "workflow"})


class Identity(Struct, frozen=True):
    """A user, a contact or a responder of one tenant.

    `number` counts identities within the tenant (the integer ids of inbox.md). `identifier` is the
    caller's own id for a contact. Attributes are JSON text. Times are µs. `role` and `permissions`
    (a JSON array) are of users only. `…_verified` is False for a value that only a contact's client
    gave, without proof: no contact is found, read or merged by it (inbox.md, D). `claims` is JSON
    text, read through `Claims`. `merged_into` is the contact into which this one was merged."""

    id: str
    number: int
    kind: IdentityKind
    name: str | None
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    identifier: str | None
    avatar_url: str | None
    role: str | None
    permissions: str
    blocked: bool
    company: str | None
    job_title: str | None
    location: str | None
    country_code: str | None
    custom_attributes: str
    additional_attributes: str
    labels: str
    settings: str
    last_activity_at: int | None
    created_at: int
    updated_at: int
    removed_at: int | None
    email_verified: bool = True
    phone_verified: bool = True
    identifier_verified: bool = True
    claims: str = "{}"
    merged_into: str | None = None


class NewIdentity(Struct, frozen=True, kw_only=True):
    """The fields of a new identity; the engine adds id, number and times."""

    kind: IdentityKind
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    identifier: str | None = None
    avatar_url: str | None = None
    role: str | None = None
    permissions: str = "[]"
    blocked: bool = False
    company: str | None = None
    job_title: str | None = None
    location: str | None = None
    country_code: str | None = None
    custom_attributes: str = "{}"
    additional_attributes: str = "{}"
    labels: str = "[]"
    settings: str = "{}"
    email_verified: bool = True
    phone_verified: bool = True
    identifier_verified: bool = True
    claims: str = "{}"


class Claims(Struct, frozen=True, omit_defaults=True):
    """`Identity.claims`, decoded: values that clients gave of a contact without proof, and that
    another contact has or that they may not change. Newest last; only staff sees them."""

    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()


class ResponderVersion(Struct, frozen=True):
    """One numbered version of a responder (chats.md, F: a responder has numbered versions)."""

    id: str
    responder_id: str
    number: int
    settings: str
    created_at: int
