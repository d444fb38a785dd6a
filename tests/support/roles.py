"""Roles of PostgreSQL with few rights."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg


@asynccontextmanager
async def role_without_rights(url: str) -> AsyncIterator[str]:
    """The URL of the database at `url` for a new role that may connect and no more: in the schema
    `public` nobody but the owner may create a table, which is PostgreSQL's default since 15."""
    name, password = f"koine_few_{secrets.token_hex(4)}", secrets.token_hex(8)
    await execute(
        url,
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        f"CREATE ROLE {name} LOGIN PASSWORD '{password}'",
    )
    try:
        parts = urlsplit(url)
        server = parts.netloc.rpartition("@")[2]
        yield urlunsplit(parts._replace(netloc=f"{name}:{password}@{server}"))
    finally:
        await execute(url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


async def execute(url: str, *statements: str) -> None:
    """Execute the statements as the user of the URL."""
    connection = await asyncpg.connect(url)
    try:
        for each in statements:
            await connection.execute(each)
    finally:
        await connection.close()


def execute_now(url: str, *statements: str) -> None:
    """As `execute`, for callers without an event loop."""
    asyncio.run(execute(url, *statements))
