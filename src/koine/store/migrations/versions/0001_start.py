"""The tables Koine starts with.

Revision ID: 0001
"""

from alembic import op
from sqlalchemy.schema import CreateIndex, CreateTable

from koine.store.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Do it."""
    for table in metadata.sorted_tables:
        op.execute(CreateTable(table))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            op.execute(CreateIndex(index))


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
