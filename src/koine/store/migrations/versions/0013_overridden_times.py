"""the overridden times of conversations under names that belong to no dialect

Revision ID: 0013
"""

from alembic import op

revision = "0013"
down_revision = "0012"
kind = "contracts"

_COLUMNS = {"chat_shown_at": "shown_at_override", "chat_sort_at": "sort_at_override"}
_OLD_INDEX, _INDEX = "conversations_chat_sort", "conversations_sort_at_override"


def upgrade() -> None:
    """Do it."""
    for old, new in _COLUMNS.items():
        op.execute(f"ALTER TABLE conversations RENAME COLUMN {old} TO {new}")
    if op.get_context().dialect.name == "sqlite":
        # It cannot rename an index.
        op.execute(f"DROP INDEX {_OLD_INDEX}")
        op.execute(
            f"CREATE INDEX {_INDEX} ON conversations (tenant_id, sort_at_override)"
            " WHERE sort_at_override IS NOT NULL"
        )
    else:
        op.execute(f"ALTER INDEX {_OLD_INDEX} RENAME TO {_INDEX}")


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
