"""proof of identity

Which identifier a contact's place proved was not kept, so no place counts as proven until it shows
its hash again. A place that was made together with its contact stays that contact's own; every
other place is one that joined, and shows what came through it alone. What a contact's own client
wrote of it is unverified from now on.

Revision ID: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
kind = "contracts"

_VERIFIED = ("email_verified", "phone_verified", "identifier_verified")
_OWN_PLACE = """
    EXISTS (SELECT 1 FROM contact_inboxes
      WHERE contact_inboxes.tenant_id = identities.tenant_id
        AND contact_inboxes.contact_id = identities.id
        AND contact_inboxes.origin = 'contact' AND {more})"""


def upgrade() -> None:
    """Do it."""
    for name in _VERIFIED:
        op.add_column(
            "identities", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.true())
        )
    op.add_column("identities", sa.Column("claims", sa.Text(), nullable=False, server_default="{}"))
    op.execute("ALTER TABLE contact_inboxes RENAME COLUMN verified TO proof_required")
    op.add_column("contact_inboxes", sa.Column("proved_identifier", sa.Text(), nullable=True))
    op.add_column(
        "contact_inboxes", sa.Column("origin", sa.Text(), nullable=False, server_default="joined")
    )
    op.add_column("contact_inboxes", sa.Column("given", sa.Text(), nullable=True))
    for statement in statements():
        op.execute(statement)


def statements(_dialect: str = "") -> list[str]:
    """What becomes of the rows that are there."""
    return [
        """UPDATE contact_inboxes SET origin = 'contact', given = NULL WHERE EXISTS (
             SELECT 1 FROM identities WHERE identities.tenant_id = contact_inboxes.tenant_id
               AND identities.id = contact_inboxes.contact_id
               AND identities.created_at = contact_inboxes.created_at)""",
        # Source ids that the native API made are UUIDs of version 7; those made for clients are not.
        """UPDATE contact_inboxes SET origin = 'tenant', given = '{}'
             WHERE origin = 'contact' AND source_id LIKE '________-____-7___-____-____________'""",
        "UPDATE contact_inboxes SET given = '{}' WHERE origin = 'joined'",
        f"""UPDATE identities SET {", ".join(f"{name} = false" for name in _VERIFIED)}
             WHERE kind = 'contact' AND {_OWN_PLACE.format(more="true")}""",
        f"""UPDATE identities SET identifier_verified = true
             WHERE kind = 'contact' AND {_OWN_PLACE.format(more="contact_inboxes.proof_required")}""",
    ]


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
