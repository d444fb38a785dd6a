"""owners of webhooks

Revision ID: 0007
"""

import sqlalchemy as sa
from alembic import op

from koine.store.core.types import Uuid

revision = "0007"
down_revision = "0006"
kind = "adds"

_FROM_AUDIT = """
WITH changed AS (
    SELECT tenant_id, noun_id, actor_kind, actor_id, ROW_NUMBER() OVER (
        PARTITION BY tenant_id, noun_id ORDER BY created_at DESC, id DESC
    ) AS back
    FROM audit WHERE noun = 'webhook' AND action IN ('create', 'change')
)
UPDATE hooks SET owner_key_id = changed.actor_id FROM changed
WHERE changed.tenant_id = hooks.tenant_id AND changed.noun_id = hooks.id
AND changed.back = 1 AND changed.actor_kind = 'key' AND hooks.reads_as IS NULL
"""
"""Which key the rights of an endpoint came from: the audit log says who made or last changed it."""


def upgrade() -> None:
    """Do it."""
    op.add_column("hooks", sa.Column("owner_key_id", Uuid(), nullable=True))
    op.execute(_FROM_AUDIT)


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
