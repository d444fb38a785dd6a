"""What goes over the wire for everyone: pages, problems, logins, the tenant, keys, audit."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from koine.model.permissions import Role

Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\S")]
Text = Annotated[str, Meta(max_length=2000)]
_LINK = "An http or https URL, or the path of an upload."
Link = Annotated[str, Meta(max_length=2000, description=_LINK)]
Email = Annotated[str, Meta(max_length=320, pattern=r"^\s*[^\s@]+@[^\s@]+\s*$")]
Password = Annotated[str, Meta(max_length=1024)]
Id = Annotated[str, Meta(description="A UUID.")]
Time = Annotated[str, Meta(description="ISO 8601 with a date and a time, UTC without an offset.")]
Limit = Annotated[int, Meta(ge=1, le=100)]
Bag = dict[str, object]
ShownBag = dict[str, object] | msgspec.Raw
ShownWords = list[str] | msgspec.Raw


class PageQuery(Struct, frozen=True, kw_only=True):
    """A page of a list: the first without `cursor`, else the one that `next_cursor` names."""

    cursor: str | None = None
    limit: Limit = 50


class FieldError(Struct, frozen=True):
    """A field that is refused: its dotted name, a short reason, and a sentence."""

    field: str
    reason: str
    message: str


class Problem(Struct, frozen=True, kw_only=True):
    """A refusal (RFC 9457). `type` is stable; `reason` is a word for programs where there is one;
    `errors` names the fields that are refused."""

    type: str
    title: str
    status: int
    detail: str
    reason: str | None = None
    errors: list[FieldError] = []
    request_id: str


class LogIn(Struct, frozen=True, kw_only=True):
    """E-mail and password; the tenant is needed where several know the pair."""

    email: Annotated[str, Meta(min_length=1, max_length=320)]
    password: Password
    tenant_id: Id | None = None


class RefreshToken(Struct, frozen=True):
    """The newest refresh token of a session."""

    refresh_token: Annotated[str, Meta(min_length=1, max_length=512)]


class NewPassword(Struct, frozen=True):
    """A person's own new password, and the one it replaces."""

    current_password: Password
    password: Password


class User(Struct, frozen=True):
    """A user of the tenant. `permissions` are those beyond what the role holds."""

    id: str
    number: int
    name: str | None
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    avatar_url: str | None
    role: Role | None
    permissions: ShownWords
    blocked: bool
    custom_attributes: ShownBag
    created_at: str
    updated_at: str


class Tokens(Struct, frozen=True):
    """What a login or a refresh gives; `expires_in` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    tenant_id: str
    user: User


class Me(Struct, frozen=True):
    """Who calls: the user (none for a system administrator) and everything it may do."""

    tenant_id: str
    kind: Literal["user", "contact", "key", "operator"]
    is_system_admin: bool
    permissions: list[str]
    user: User | None


class TokenIssuer(Struct, frozen=True):
    """An external issuer of access tokens: one algorithm; its PEM, JWK, JWKS or a JWKS's URL."""

    algorithm: Literal["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "HS256"]
    key: Annotated[str, Meta(min_length=1, max_length=20_000)] | None = None
    issuer: Name | None = None
    audience: Name | None = None
    jwks_url: Annotated[str, Meta(min_length=1, max_length=2048)] | None = None


class ShownIssuer(Struct, frozen=True):
    """An external issuer as it is shown: a `key` that is a shared secret (HS256) never is."""

    algorithm: str
    key: str | None
    issuer: str | None
    audience: str | None
    jwks_url: str | None


class TenantSettings(Struct, frozen=True):
    """The settings of a tenant; `token_issuer` None means only this server issues its tokens."""

    support_user_ids: list[str]
    token_issuer: ShownIssuer | None


class Tenant(Struct, frozen=True):
    """The caller's tenant. `settings` is shown to those who manage it."""

    id: str
    number: int
    slug: str
    name: str
    default_responder_id: str | None
    settings: TenantSettings | None
    created_at: str


class ChangeTenantSettings(Struct, frozen=True):
    """Settings to change; what is left out stays."""

    support_user_ids: Annotated[list[Id], Meta(max_length=1000)] | UnsetType = UNSET
    token_issuer: TokenIssuer | UnsetType | None = UNSET


class ChangeTenant(Struct, frozen=True):
    """What to change of the tenant; what is left out stays."""

    name: Name | UnsetType = UNSET
    settings: ChangeTenantSettings | UnsetType = UNSET


class RoleShown(Struct, frozen=True):
    """A role (null: a user without one, a customer) and what it may do."""

    role: Role | None
    permissions: list[str]


class Roles(Struct, frozen=True):
    """Every role."""

    data: list[RoleShown]
    next_cursor: str | None


class CreateKey(Struct, frozen=True, kw_only=True):
    """A new API key; it acts as `user_id`, the caller without one. No key may do more than who
    makes it."""

    name: Name
    permissions: Annotated[list[str], Meta(max_length=100)]
    user_id: Id | None = None
    expires_at: Time | None = None


class Key(Struct, frozen=True):
    """An API key; `prefix` is how its secret begins."""

    id: str
    name: str
    prefix: str
    user_id: str
    permissions: ShownWords
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    created_by: str | None
    created_by_key: str | None


class MadeKey(Key, frozen=True):
    """A new API key with its secret, which is shown this once."""

    secret: str


class Keys(Struct, frozen=True):
    """A page of API keys, oldest first."""

    data: list[Key]
    next_cursor: str | None


class AuditQuery(PageQuery, frozen=True, kw_only=True):
    """Entries of one noun or action alone, where given."""

    noun: str | None = None
    action: str | None = None


class AuditEntry(Struct, frozen=True):
    """Who did what to which thing."""

    id: str
    actor_kind: str
    actor_id: str | None
    action: str
    noun: str
    noun_id: str
    detail: ShownBag
    created_at: str


class AuditEntries(Struct, frozen=True):
    """A page of the audit log, newest first."""

    data: list[AuditEntry]
    next_cursor: str | None
