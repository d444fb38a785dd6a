"""What opens a door: API keys and login sessions. Secrets are only ever kept as digests."""

from msgspec import Struct


class ApiKey(Struct, frozen=True):
    """An API key of a tenant. `prefix` is shown, the secret is not kept. It acts as `user_id`.
    `permissions` is a JSON array: at most those, and never more than who made it holds at the time
    of use: the user `created_by`, or the key `created_by_key`, or (neither) the operator.
    Times are µs; `expires_at` None means never.
    """

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
    """A user's way in with a password (argon2id)."""

    tenant_id: str
    user_id: str
    email: str
    password_hash: str


class Session(Struct, frozen=True):
    """One login: a chain of rotated refresh tokens, of which only the newest digest is kept."""

    id: str
    tenant_id: str
    user_id: str
    refresh_digest: str
    created_at: int
    expires_at: int
    revoked_at: int | None
