"""pictures that are no link of the web or path of this server are gone

Revision ID: 0005
"""

from alembic import op

revision = "0005"
down_revision = "0004"
kind = "adds"

_NO_LINK = (
    "{0} <> '' AND lower({0}) NOT LIKE 'http://%' AND lower({0}) NOT LIKE 'https://%'"
    " AND {0} NOT LIKE '/%'"
)
_OF_INBOX = {
    "sqlite": ("json_extract(settings, '$.avatar_url')", "json_remove(settings, '$.avatar_url')"),
    "postgresql": (
        "(CAST(settings AS jsonb) ->> 'avatar_url')",
        "CAST(CAST(settings AS jsonb) - 'avatar_url' AS text)",
    ),
}


def statements(dialect: str) -> list[str]:
    """What is changed, as the SQL of this kind of database."""
    picture, without = _OF_INBOX[dialect]
    people = f"UPDATE identities SET avatar_url = NULL WHERE {_NO_LINK.format('avatar_url')}"
    inboxes = f"UPDATE inboxes SET settings = {without} WHERE {_NO_LINK.format(picture)}"
    return [people, inboxes]


def upgrade() -> None:
    """Do it."""
    for statement in statements(op.get_context().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
