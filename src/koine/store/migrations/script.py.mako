"""${message}

Revision ID: ${up_revision}
"""

import sqlalchemy as sa
from alembic import op

${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
# Or "contracts", if an older Koine cannot work with the result: CONTRIBUTING.md, Migrations.
kind = "adds"


def upgrade() -> None:
    """Do it."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
