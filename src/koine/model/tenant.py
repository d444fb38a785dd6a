"""Tenants: the organisations on the server, each of which sees only its own rows."""

from msgspec import Struct


class Tenant(Struct, frozen=True):
    """`number` is the integer `account_id` of inbox.md. `default_responder_id` answers
    where an inbox names none (chats.md, D: every workspace has one). `settings` is JSON text.
    """

    id: str
    number: int
    slug: str
    name: str
    default_responder_id: str | None
    settings: str
    created_at: int


class TenantSettings(Struct, frozen=True, omit_defaults=True):
    """What `Tenant.settings` holds.

    `support_user_ids` read support conversations (delivery.md, S). `token_issuer` is an external
    issuer of access tokens: one fixed algorithm, its public key or JWKS (delivery.md, D).
    """

    support_user_ids: list[str] = []
    token_issuer: "TokenIssuer | None" = None


class TokenIssuer(Struct, frozen=True):
    """An external issuer: `algorithm` is fixed; either `key` is PEM, a JWK or a JWKS document, or
    `jwks_url` is where such a document is."""

    algorithm: str
    key: str | None = None
    issuer: str | None = None
    audience: str | None = None
    jwks_url: str | None = None
