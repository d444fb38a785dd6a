"""tenants can be suspended and deleted; keys of removed users are revoked

Revision ID: 0015
"""

import sqlalchemy as sa
from alembic import op

from koine.store.core.types import Uuid

revision = "0015"
down_revision = "0014"
kind = "adds"

_OF_REMOVED = (
    "FROM identities i WHERE i.tenant_id = api_keys.tenant_id AND i.id = api_keys.user_id"
    " AND i.removed_at IS NOT NULL"
)


def upgrade() -> None:
    """Do it."""
    for name in ("suspended_at", "delete_at", "delete_requested_at"):
        op.add_column("tenants", sa.Column(name, sa.BigInteger(), nullable=True))
    op.create_table(
        "deleted_tenants",
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute(
        f"UPDATE api_keys SET revoked_at = (SELECT i.removed_at {_OF_REMOVED})"
        f" WHERE revoked_at IS NULL AND EXISTS (SELECT 1 {_OF_REMOVED})"
    )


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
