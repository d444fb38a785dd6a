"""The settings of a PostgreSQL server by which it could lose acknowledged commits."""

import time

import asyncpg
from msgspec import Struct

_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
_NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"


class ServerSettings(Struct, frozen=True):
    """`disabled` are the settings that make a commit survive a power cut, but are off; `clock_skew`
    is the difference of the server's clock and ours, in seconds."""

    version: str
    disabled: list[str]
    clock_skew: float


async def check_server(url: str) -> ServerSettings:
    """Query the server. Raises asyncpg's errors and OSError."""
    connection = await asyncpg.connect(url, timeout=5)
    try:
        shown = {name: await connection.fetchval(f"SHOW {name}") for name in _DURABLE}
        skew = abs(await connection.fetchval(_NOW) - time.time())
        version = str(await connection.fetchval("SHOW server_version"))
        return ServerSettings(
            version, [name for name, value in shown.items() if value == "off"], skew
        )
    finally:
        await connection.close()
