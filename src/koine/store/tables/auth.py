"""Credentials, the audit log and idempotency keys."""

from sqlalchemy import Index, Table

from koine.store.tables.base import (
    blob,
    id_,
    int_,
    metadata,
    partial_index,
    primary_key,
    same_tenant_reference,
    text_,
)

api_keys = Table(
    "api_keys",
    metadata,
    id_("tenant_id"),
    id_("id"),
    text_("name", False),
    text_("prefix", False),
    text_("digest", False),
    id_("user_id"),
    text_("permissions", False),
    int_("created_at"),
    int_("expires_at", True),
    int_("revoked_at", True),
    id_("created_by", True),
    id_("created_by_key", True),
    primary_key("tenant_id", "id"),
    same_tenant_reference("user_id", "identities"),
    Index("api_keys_prefix", "prefix", unique=True),
)

logins = Table(
    "logins",
    metadata,
    id_("tenant_id"),
    id_("user_id"),
    text_("email", False),
    text_("password_hash", False),
    primary_key("tenant_id", "user_id"),
    same_tenant_reference("user_id", "identities"),
    Index("logins_email", "email", "tenant_id", unique=True),
)

sessions = Table(
    "sessions",
    metadata,
    id_("tenant_id"),
    id_("id"),
    id_("user_id"),
    text_("refresh_digest", False),
    int_("created_at"),
    int_("expires_at"),
    int_("revoked_at", True),
    primary_key("tenant_id", "id"),
    same_tenant_reference("user_id", "identities"),
    Index("sessions_user", "tenant_id", "user_id"),
)

login_attempts = Table(
    "login_attempts",
    metadata,
    text_("key_digest", False),
    int_("full_at"),
    primary_key("key_digest"),
)
"""Failed logins of the last minute, by address and by address and login. `full_at`: when all
attempts are allowed again (µs); until then each one moves it on by its share of a minute."""

audit = Table(
    "audit",
    metadata,
    id_("tenant_id"),
    id_("id"),
    text_("actor_kind", False),
    id_("actor_id", True),
    text_("action", False),
    text_("noun", False),
    id_("noun_id"),
    text_("detail", False),
    int_("created_at"),
    text_("address"),
    text_("request_id"),
    primary_key("tenant_id", "id"),
    Index("audit_created", "tenant_id", "created_at", "id"),
    partial_index("audit_anonymous", "tenant_id", "created_at", where="actor_kind = 'anonymous'"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    id_("tenant_id"),
    text_("key_digest", False),
    text_("request_digest", False),
    int_("claimed_at"),
    int_("status", True),
    text_("headers"),
    blob("content"),
    primary_key("tenant_id", "key_digest"),
    Index("idempotency_keys_claimed", "tenant_id", "claimed_at"),
)
