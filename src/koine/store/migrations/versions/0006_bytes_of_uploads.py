"""bytes of uploads

Revision ID: 0006
"""

from alembic import op

revision = "0006"
down_revision = "0005"
kind = "adds"

COUNT = (
    "INSERT INTO counters (tenant_id, name, value) "
    "SELECT tenant_id, 'uploads:total', SUM(size) FROM files GROUP BY tenant_id"
)


def upgrade() -> None:
    """Count what each tenant has stored: a budget is for all of it."""
    op.execute(COUNT)


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
