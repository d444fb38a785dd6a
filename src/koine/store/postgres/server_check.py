"""How a PostgreSQL server is set up, as far as it can lose what we acknowledge."""

import time

import asyncpg
from msgspec import Struct

_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
_NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"


class ServerSettings(Struct, frozen=True):
    """`off` are the settings that keep a commit through a power cut and are off; `skew` is how far
    the server's clock is from ours, in seconds."""

    version: str
    disabled: list[str]
    clock_skew: float


async def check_server(url: str) -> ServerSettings:
    """Ask the server. Raises asyncpg's errors and OSError."""
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
