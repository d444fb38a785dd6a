"""readers of webhooks

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

from koine.store.core.types import Uuid

revision = "0003"
down_revision = "0002"
kind = "adds"


def upgrade() -> None:
    """Do it."""
    op.add_column("hooks", sa.Column("reads_as", Uuid(), nullable=True))


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
