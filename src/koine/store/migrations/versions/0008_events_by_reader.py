"""events by reader

Revision ID: 0008
"""

import sqlalchemy as sa
from alembic import op

from koine.store.core.types import Uuid

revision = "0008"
down_revision = "0007"
kind = "adds"

_INDEXES = (
    ("events_conversation", "events", ("conversation_id", "position"),
     "conversation_id IS NOT NULL"),
    ("events_subject", "events", ("subject_id", "position"),
     "conversation_id IS NULL OR kind = 'participant.left'"),
    ("participants_left", "participants", ("tenant_id", "identity_id"), "left_at IS NOT NULL"),
    ("conversations_removed", "conversations", ("tenant_id", "owner_id"),
     "removed_at IS NOT NULL AND owner_id IS NOT NULL"),
    ("deliveries_driver", "deliveries", ("tenant_id", "driver_id"), "driver_id IS NOT NULL"),
)  # fmt: skip
_MEMBERS = {
    "sqlite": "m.value FROM events e, json_each(e.body, '$.members') m",
    "postgresql": "CAST(m.value AS uuid) FROM events e, "
    "jsonb_array_elements_text(CAST(e.body AS jsonb) -> 'members') m(value)",
}
_FILL = """
INSERT INTO event_members (tenant_id, subject_id, created_at, identity_id)
SELECT e.tenant_id, e.subject_id, max(e.created_at), {members}
WHERE e.kind IN ('conversation.deleted', 'delivery.saved') AND m.value IS NOT NULL
GROUP BY 1, 2, 4
"""
"""The members that events name already."""


def statements(dialect: str) -> list[str]:
    """What is done to the rows that are there."""
    return [_FILL.format(members=_MEMBERS[dialect])]


def upgrade() -> None:
    """Do it."""
    for name, table, columns, where in _INDEXES:
        condition = sa.text(where)
        op.create_index(
            name, table, list(columns), postgresql_where=condition, sqlite_where=condition
        )
    op.create_index("deliveries_customer", "deliveries", ["tenant_id", "customer_id"])
    op.create_table(
        "event_members",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("identity_id", Uuid(), nullable=False),
        sa.Column("subject_id", Uuid(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "identity_id", "subject_id"),
    )
    op.create_index("event_members_created", "event_members", ["created_at"])
    for statement in statements(op.get_context().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
