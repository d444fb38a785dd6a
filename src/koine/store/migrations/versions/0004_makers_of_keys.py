"""makers of keys

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

from koine.store.core.types import Uuid

revision = "0004"
down_revision = "0003"
kind = "adds"

_FROM_AUDIT = """
UPDATE api_keys SET {column} = (
    SELECT audit.actor_id FROM audit
    WHERE audit.tenant_id = api_keys.tenant_id AND audit.created_at = api_keys.created_at
    AND audit.noun = 'api_key' AND audit.action = 'create' AND audit.noun_id = api_keys.id
    AND audit.actor_kind = '{kind}'
)
"""
"""Who made the keys that are there already: the audit log says it, at the key's own time."""


def statements(_dialect: str) -> list[str]:
    """What is done to the rows that are there."""
    return [
        _FROM_AUDIT.format(column="created_by", kind="user"),
        _FROM_AUDIT.format(column="created_by_key", kind="key"),
    ]


def upgrade() -> None:
    """Do it."""
    op.add_column("api_keys", sa.Column("created_by", Uuid(), nullable=True))
    op.add_column("api_keys", sa.Column("created_by_key", Uuid(), nullable=True))
    for statement in statements(op.get_context().dialect.name):
        op.execute(statement)
    anonymous = sa.text("actor_kind = 'anonymous'")
    op.create_index(
        "audit_anonymous",
        "audit",
        ["tenant_id", "created_at"],
        postgresql_where=anonymous,
        sqlite_where=anonymous,
    )


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
