"""How long data is kept, legal holds, and runs that delete."""

from sqlalchemy import Table

from koine.store.tables.base import id_, int_, metadata, partial_index, primary_key, text_

retention_rules = Table(
    "retention_rules",
    metadata,
    id_("tenant_id"),
    id_("scope_id"),
    int_("messages", True),
    int_("conversations", True),
    int_("files", True),
    int_("events", True),
    int_("webhook_deliveries", True),
    int_("audit", True),
    primary_key("tenant_id", "scope_id"),
    partial_index("retention_rules_events", "tenant_id", where="events IS NOT NULL"),
    partial_index(
        "retention_rules_webhook_deliveries",
        "tenant_id",
        where="webhook_deliveries IS NOT NULL",
    ),
)
"""Periods in days, of the tenant (`scope_id` is its id) or of an inbox. NULL in the row of an
inbox: as the tenant; 0: forever."""

legal_holds = Table(
    "legal_holds",
    metadata,
    id_("tenant_id"),
    id_("subject_id"),
    text_("kind", False),
    text_("reason", False),
    id_("created_by", True),
    int_("created_at"),
    primary_key("tenant_id", "subject_id"),
    partial_index("legal_holds_tenants", "tenant_id", where="kind = 'tenant'"),
)
"""What is not to be deleted: the tenant, a conversation, or a person's conversations."""

retention_runs = Table(
    "retention_runs",
    metadata,
    id_("tenant_id"),
    id_("scope_id"),
    int_("started_at"),
    int_("finished_at", True),
    int_("alive_until"),
    id_("after_id", True),
    text_("counts", False),
    primary_key("tenant_id", "scope_id"),
)
"""The run that is going on, or the last one, of each tenant, whose id is the `scope_id`."""
