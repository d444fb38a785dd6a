"""sealed HMAC tokens of inboxes, and the one before

The tokens themselves are encrypted by `engine.sealed_secrets`, since SQL has no key. Other nodes,
which know only the tokens in clear text, may still serve a PostgreSQL database: there it is done a
day later.

Revision ID: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
kind = "adds"

A_DAY_LATER = """
INSERT INTO server (name, value)
SELECT 'clear_hmac_tokens_until', CAST(CAST(extract(epoch FROM now()) AS BIGINT) * 1000000
  + 86400000000 AS TEXT)
WHERE EXISTS (SELECT 1 FROM inboxes)
"""
"""The time in µs."""


def upgrade() -> None:
    """Do it."""
    op.add_column("inboxes", sa.Column("sealed_hmac_token", sa.LargeBinary(), nullable=True))
    op.add_column("inboxes", sa.Column("old_hmac_token", sa.LargeBinary(), nullable=True))
    op.add_column("inboxes", sa.Column("old_hmac_token_until", sa.BigInteger(), nullable=True))
    if op.get_context().dialect.name != "sqlite":
        op.execute(A_DAY_LATER)


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
