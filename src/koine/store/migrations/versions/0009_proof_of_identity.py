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

_PLACES = sa.table(
    "contact_inboxes",
    sa.column("tenant_id"),
    sa.column("contact_id"),
    sa.column("source_id", sa.Text),
    sa.column("proof_required", sa.Boolean),
    sa.column("origin", sa.Text),
    sa.column("given", sa.Text),
    sa.column("created_at", sa.BigInteger),
)
_PEOPLE = sa.table(
    "identities",
    sa.column("tenant_id"),
    sa.column("id"),
    sa.column("kind", sa.Text),
    sa.column("email_verified", sa.Boolean),
    sa.column("phone_verified", sa.Boolean),
    sa.column("identifier_verified", sa.Boolean),
    sa.column("created_at", sa.BigInteger),
)


def upgrade() -> None:
    """Do it."""
    for name in ("email_verified", "phone_verified", "identifier_verified"):
        op.add_column(
            "identities", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.true())
        )
    op.add_column("identities", sa.Column("claims", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("contact_inboxes", sa.Column("proved_identifier", sa.Text(), nullable=True))
    op.add_column(
        "contact_inboxes", sa.Column("origin", sa.Text(), nullable=False, server_default="joined")
    )
    op.add_column("contact_inboxes", sa.Column("given", sa.Text(), nullable=True))
    op.execute("ALTER TABLE contact_inboxes RENAME COLUMN verified TO proof_required")
    places, people = _PLACES.c, _PEOPLE.c
    made_together = (
        sa.select(people.id)
        .where(
            people.tenant_id == places.tenant_id,
            people.id == places.contact_id,
            people.created_at == places.created_at,
        )
        .exists()
    )
    op.execute(_PLACES.update().where(made_together).values(origin="contact"))
    # Source ids that the native API made are UUIDs of version 7; a client's are random.
    by_tenant = sa.and_(places.origin == "contact", places.source_id.like("________-____-7%"))
    op.execute(_PLACES.update().where(by_tenant).values(origin="tenant"))
    op.execute(_PLACES.update().where(places.origin == "joined").values(given="{}"))

    def has_own_place(*more: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        return (
            sa.select(places.contact_id)
            .where(
                places.tenant_id == people.tenant_id,
                places.contact_id == people.id,
                places.origin == "contact",
                *more,
            )
            .exists()
        )

    op.execute(
        _PEOPLE.update()
        .where(people.kind == "contact", has_own_place())
        .values(
            email_verified=sa.false(), phone_verified=sa.false(), identifier_verified=sa.false()
        )
    )
    op.execute(
        _PEOPLE.update()
        .where(people.kind == "contact", has_own_place(places.proof_required))
        .values(identifier_verified=sa.true())
    )


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
