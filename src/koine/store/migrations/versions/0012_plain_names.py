"""webhooks and idempotency keys under their plain names

Revision ID: 0012

Names alone change. A Koine of before names tables that are gone: stop every node first.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
kind = "contracts"

_TABLES = {
    "answers": "idempotency_keys",
    "hooks": "webhook_endpoints",
    "hook_deliveries": "webhook_deliveries",
    "hook_attempts": "webhook_attempts",
}
_COLUMNS = {
    "idempotency_keys": {
        "slot": "key_digest",
        "digest": "request_digest",
        "taken_at": "claimed_at",
    },
    "webhook_endpoints": {
        "hears_private": "include_private_notes",
        "since": "after_position",
        "reads_as": "acts_as_user_id",
    },
    "webhook_deliveries": {
        "hook_id": "endpoint_id",
        "fence": "lease_version",
        "answered": "response_status",
    },
    "webhook_attempts": {
        "hook_id": "endpoint_id",
        "at": "started_at",
        "answered": "response_status",
        "answer_headers": "response_headers",
        "answer_body": "response_body",
        "took_us": "duration_us",
    },
}
_INDEXES = {
    "answers_taken": (
        "idempotency_keys_claimed", "INDEX", "idempotency_keys (tenant_id, claimed_at)",
    ),
    "hooks_active": (
        "webhook_endpoints_active", "INDEX",
        "webhook_endpoints (tenant_id, id) WHERE status = 'active'",
    ),
    "hook_deliveries_event": (
        "webhook_deliveries_event", "UNIQUE INDEX",
        "webhook_deliveries (tenant_id, endpoint_id, event_id)",
    ),
    "hook_deliveries_due": (
        "webhook_deliveries_due", "INDEX",
        "webhook_deliveries (tenant_id, endpoint_id, due_at, position) WHERE state = 'pending'",
    ),
    "hook_deliveries_conversation": (
        "webhook_deliveries_conversation", "INDEX",
        "webhook_deliveries (tenant_id, conversation_id) WHERE conversation_id IS NOT NULL",
    ),
}  # fmt: skip
_POSTGRES_CONSTRAINTS = """
DO $$
DECLARE found record;
BEGIN
  FOR found IN
    SELECT c.conname AS name, t.relname AS owner, o.former FROM pg_constraint c
    JOIN pg_class t ON t.oid = c.conrelid
    JOIN (VALUES {renamed}) AS o(former, owner) ON o.owner = t.relname
    WHERE c.connamespace = current_schema()::regnamespace
      AND starts_with(c.conname, o.former || '_')
  LOOP
    EXECUTE format('ALTER TABLE %I RENAME CONSTRAINT %I TO %I', found.owner, found.name,
      found.owner || substr(found.name, length(found.former) + 1));
  END LOOP;
END $$
"""
"""The primary keys and references that were named after their table."""


def upgrade() -> None:
    """Do it."""
    for old, new in _TABLES.items():
        op.execute(f"ALTER TABLE {old} RENAME TO {new}")
    for table, columns in _COLUMNS.items():
        for old, new in columns.items():
            op.execute(f'ALTER TABLE {table} RENAME COLUMN "{old}" TO {new}')
    if op.get_context().dialect.name == "sqlite":
        # It cannot rename an index.
        for old, (new, kind, what) in _INDEXES.items():
            op.execute(f"DROP INDEX {old}")
            op.execute(f"CREATE {kind} {new} ON {what}")
    else:
        for old, (new, *_) in _INDEXES.items():
            op.execute(f"ALTER INDEX {old} RENAME TO {new}")
        renamed = ", ".join(f"('{old}', '{new}')" for old, new in _TABLES.items())
        op.execute(_POSTGRES_CONSTRAINTS.format(renamed=renamed))


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
