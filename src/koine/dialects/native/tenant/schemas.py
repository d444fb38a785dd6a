"""The types of the tenant, roles, API keys and the audit log."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from koine.dialects.native.schemas import Id, Name, PageQuery, RenderedObject, RenderedStrings, Time
from koine.model.permissions import Role


class TokenIssuer(Struct, frozen=True):
    """An external issuer of access tokens: one algorithm; its PEM, JWK, JWKS or a JWKS's URL."""

    algorithm: Literal["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "HS256"]
    key: Annotated[str, Meta(min_length=1, max_length=20_000)] | None = None
    issuer: Name | None = None
    audience: Name | None = None
    jwks_url: Annotated[str, Meta(min_length=1, max_length=2048)] | None = None


class PublicTokenIssuer(Struct, frozen=True):
    """An external issuer, without its `key` where that is a shared secret (HS256)."""

    algorithm: str
    key: str | None
    issuer: str | None
    audience: str | None
    jwks_url: str | None


class TenantSettings(Struct, frozen=True):
    """The settings of a tenant; `token_issuer` None means only this server issues its tokens."""

    support_user_ids: list[str]
    token_issuer: PublicTokenIssuer | None


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


class RolePermissions(Struct, frozen=True):
    """A role (null: a user without one, a customer) and what it may do."""

    role: Role | None
    permissions: list[str]


class Roles(Struct, frozen=True):
    """Every role."""

    data: list[RolePermissions]
    next_cursor: str | None


class CreateKey(Struct, frozen=True, kw_only=True):
    """A new API key; it acts as `user_id`, the caller without one. It has no more permissions than
    its creator."""

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
    permissions: RenderedStrings
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    created_by: str | None
    created_by_key: str | None


class CreatedKey(Key, frozen=True):
    """A new API key with its secret, which no later response has."""

    secret: str


class Keys(Struct, frozen=True):
    """A page of API keys, oldest first."""

    data: list[Key]
    next_cursor: str | None


class AuditQuery(PageQuery, frozen=True, kw_only=True):
    """Only entries of this entity (`noun`), action or request, where given."""

    noun: str | None = None
    action: str | None = None
    request_id: str | None = None


class AuditEntry(Struct, frozen=True):
    """One change: the actor, the action and the entity (`noun`). `address` is the client's,
    `request_id` the `X-Request-Id` of the request; null for commands and work of the server."""

    id: str
    actor_kind: str
    actor_id: str | None
    action: str
    noun: str
    noun_id: str
    detail: RenderedObject
    created_at: str
    address: str | None
    request_id: str | None


class AuditEntries(Struct, frozen=True):
    """A page of the audit log, newest first."""

    data: list[AuditEntry]
    next_cursor: str | None
