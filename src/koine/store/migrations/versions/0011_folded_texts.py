"""folded texts beside what is searched; `koine.store.search_backfill` fills them

Revision ID: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
kind = "adds"


def upgrade() -> None:
    """Add the columns."""
    for table, names in (
        ("identities", ("search_names", "search_details")),
        ("conversations", ("title_folded", "last_content_folded")),
    ):
        for name in names:
            op.add_column(table, sa.Column(name, sa.Text(), nullable=True))


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
