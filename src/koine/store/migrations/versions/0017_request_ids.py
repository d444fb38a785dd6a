"""the id of the request that caused an event, its webhook deliveries, or an audit entry

Revision ID: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
kind = "adds"


def upgrade() -> None:
    """Do it."""
    for table in ("events", "webhook_deliveries", "audit"):
        op.add_column(table, sa.Column("request_id", sa.Text(), nullable=True))


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
