"""A PostgreSQL role like that of a careful operator: it owns one database, and nothing else."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

from tests.support import postgres


@contextmanager
def restricted_role(url: str, *, owner: bool = True) -> Iterator[str]:
    """The URL of the database at `url` for a new role that may not create databases. It owns the
    database, or else may only connect to it. The role is dropped when the context ends."""
    role, password = f"koine_role_{secrets.token_hex(4)}", secrets.token_hex(8)
    postgres.execute(url, f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
    if owner:
        name = postgres.database_of(url)
        postgres.execute(url, f'ALTER DATABASE "{name}" OWNER TO {role}')
    else:  # as since PostgreSQL 15
        postgres.execute(url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    try:
        yield as_role(url, role, password)
    finally:
        postgres.execute(
            url, f"REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}"
        )


def as_role(url: str, role: str, password: str) -> str:
    """The URL with another role."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{host}"))
