"""addresses of clients in the audit log

Revision ID: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
kind = "adds"


def upgrade() -> None:
    """Do it."""
    op.add_column("audit", sa.Column("address", sa.Text(), nullable=True))


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
