"""Credentials: API keys and login sessions. Secrets are only stored as digests."""

from msgspec import Struct


class ApiKey(Struct, frozen=True):
    """An API key of a tenant, which acts as `user_id`. `prefix` is shown in lists; the secret is
    not stored. Its rights are those `permissions` (a JSON array) that its creator holds at the time
    of use: the user `created_by`, or the key `created_by_key`, or with neither the operator. Times
    are µs; `expires_at` None means never."""

    id: str
    tenant_id: str
    name: str
    prefix: str
    digest: str
    user_id: str
    permissions: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    created_by: str | None
    created_by_key: str | None


class Login(Struct, frozen=True):
    """The e-mail and password (argon2id) by which a user logs in."""

    tenant_id: str
    user_id: str
    email: str
    password_hash: str


class Session(Struct, frozen=True):
    """One login: a chain of rotated refresh tokens, of which the newest one's digest is stored."""

    id: str
    tenant_id: str
    user_id: str
    refresh_digest: str
    created_at: int
    expires_at: int
    revoked_at: int | None
