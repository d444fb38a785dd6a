"""retention: periods, legal holds, runs, and how many messages of a conversation were deleted

Revision ID: 0021
"""

import sqlalchemy as sa
from alembic import op

from koine.store.core.types import Uuid

revision = "0021"
down_revision = "0020"
kind = "adds"

_PERIODS = ("messages", "conversations", "files", "events", "webhook_deliveries", "audit")


def upgrade() -> None:
    """Do it."""
    for name in ("deleted_seq", "deleted_public"):
        op.add_column(
            "conversations", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
        )
    op.create_table(
        "retention_rules",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("scope_id", Uuid(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in _PERIODS),
        sa.PrimaryKeyConstraint("tenant_id", "scope_id"),
    )
    for name in ("events", "webhook_deliveries"):
        _partial_index(f"retention_rules_{name}", "retention_rules", f"{name} IS NOT NULL")
    op.create_table(
        "legal_holds",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("subject_id", Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_by", Uuid(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "subject_id"),
    )
    _partial_index("legal_holds_tenants", "legal_holds", "kind = 'tenant'")
    op.create_table(
        "retention_runs",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("scope_id", Uuid(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("alive_until", sa.BigInteger(), nullable=False),
        sa.Column("after_id", Uuid(), nullable=True),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "scope_id"),
    )


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")


def _partial_index(name: str, table: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, ["tenant_id"], sqlite_where=condition, postgresql_where=condition)
