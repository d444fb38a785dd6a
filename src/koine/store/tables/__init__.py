"""Every table. Statements are built from these and executed by the drivers."""

from koine.store.tables.auth import (
    api_keys,
    audit,
    idempotency_keys,
    login_attempts,
    logins,
    sessions,
)
from koine.store.tables.base import metadata
from koine.store.tables.conversations import (
    conversations,
    event_members,
    events,
    files,
    messages,
    participants,
    tickets,
)
from koine.store.tables.people import (
    contact_inboxes,
    counters,
    deleted_tenants,
    deliveries,
    identities,
    inboxes,
    responder_versions,
    server,
    tenant_exports,
    tenants,
)
from koine.store.tables.personal_data import erasures
from koine.store.tables.retention import legal_holds, retention_rules, retention_runs
from koine.store.tables.webhooks import webhook_attempts, webhook_deliveries, webhook_endpoints

__all__ = [
    "api_keys",
    "audit",
    "contact_inboxes",
    "conversations",
    "counters",
    "deleted_tenants",
    "deliveries",
    "erasures",
    "event_members",
    "events",
    "files",
    "idempotency_keys",
    "identities",
    "inboxes",
    "legal_holds",
    "login_attempts",
    "logins",
    "messages",
    "metadata",
    "participants",
    "responder_versions",
    "retention_rules",
    "retention_runs",
    "server",
    "sessions",
    "tenant_exports",
    "tenants",
    "tickets",
    "webhook_attempts",
    "webhook_deliveries",
    "webhook_endpoints",
]
