"""login attempts, counted for all processes together

Revision ID: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
kind = "adds"


def upgrade() -> None:
    """Do it."""
    op.create_table(
        "login_attempts",
        sa.Column("key_digest", sa.Text(), nullable=False),
        sa.Column("full_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_digest"),
    )


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
