"""erasures of people, and which contact another was merged into

Revision ID: 0018
"""

import sqlalchemy as sa
from alembic import op

from koine.store.core.types import Uuid

revision = "0018"
down_revision = "0017"
kind = "adds"

_MERGED_ID = {
    "sqlite": "json_extract(detail, '$.merged_id')",
    "postgresql": "CAST(CAST(detail AS jsonb) ->> 'merged_id' AS uuid)",
}
_FILL = """
UPDATE identities SET merged_into = merges.survivor_id FROM (
  SELECT tenant_id AS tenant, noun_id AS survivor_id, {merged_id} AS merged_id
  FROM audit WHERE action = 'merge' AND noun = 'contact'
) AS merges
WHERE identities.tenant_id = merges.tenant AND identities.id = merges.merged_id
"""
"""The merges so far are in the audit log."""


def statements(dialect: str) -> list[str]:
    """What is done to the rows that are there."""
    return [_FILL.format(merged_id=_MERGED_ID[dialect])]


def upgrade() -> None:
    """Do it."""
    op.add_column("identities", sa.Column("merged_into", Uuid(), nullable=True))
    for name, column, where in (
        ("identities_claims", "id", "claims <> '{}'"),
        ("identities_merged_into", "merged_into", "merged_into IS NOT NULL"),
    ):
        condition = sa.text(where)
        op.create_index(
            name, "identities", ["tenant_id", column],
            postgresql_where=condition, sqlite_where=condition,
        )  # fmt: skip
    op.create_table(
        "erasures",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("messages", sa.Text(), nullable=False),
        sa.Column("also", sa.Text(), nullable=False),
        sa.Column("after_id", Uuid(), nullable=True),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", Uuid(), nullable=True),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.ForeignKeyConstraint(["tenant_id", "id"], ["identities.tenant_id", "identities.id"]),
    )
    op.create_index("erasures_requested", "erasures", ["tenant_id", "requested_at", "id"])
    condition = sa.text("checked_at IS NULL")
    op.create_index(
        "erasures_unchecked", "erasures", ["tenant_id", "id"],
        postgresql_where=condition, sqlite_where=condition,
    )  # fmt: skip
    for statement in statements(op.get_context().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
