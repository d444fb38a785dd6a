"""exports of tenants

Revision ID: 0019
"""

import sqlalchemy as sa
from alembic import op

from koine.store.core.types import Uuid

revision = "0019"
down_revision = "0018"
kind = "adds"


def upgrade() -> None:
    """Do it."""
    op.create_table(
        "tenant_exports",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("encrypted", sa.Boolean(), nullable=False),
        sa.Column("rows_done", sa.BigInteger(), nullable=False),
        sa.Column("rows_total", sa.BigInteger(), nullable=False),
        sa.Column("files_done", sa.BigInteger(), nullable=False),
        sa.Column("files_total", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("requested_by", Uuid(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("alive_until", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("tenant_exports_id", "tenant_exports", ["id"], unique=True)
    running = sa.text("state = 'running'")
    op.create_index(
        "tenant_exports_running",
        "tenant_exports",
        ["tenant_id"],
        unique=True,
        sqlite_where=running,
        postgresql_where=running,
    )


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
