"""Tenants: the organisations on the server, each of which sees only its own rows."""

from msgspec import Struct


class Tenant(Struct, frozen=True):
    """`number` is the integer `account_id` of inbox.md. `default_responder_id` answers
    where an inbox names none (chats.md, D: every workspace has one). `settings` is JSON text.

    Since `suspended_at` (µs) its credentials are refused. At `delete_at` its deletion begins, which
    was requested at `delete_requested_at`.
    """

    id: str
    number: int
    slug: str
    name: str
    default_responder_id: str | None
    settings: str
    created_at: int
    suspended_at: int | None = None
    delete_at: int | None = None
    delete_requested_at: int | None = None

    def is_being_deleted(self, now: int) -> bool:
        """Whether its deletion has begun, so that there is no way back."""
        return self.delete_at is not None and self.delete_at <= now


class DeletedTenant(Struct, frozen=True):
    """What is left of a tenant: its tombstone. `counts` has the rows deleted of each table, JSON
    text; `finished_at` is None while rows are being deleted."""

    id: str
    number: int
    started_at: int
    finished_at: int | None
    counts: str


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
