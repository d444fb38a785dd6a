"""The id of a server, which distinguishes its backups from those of others.

It is a random value in the database, made with the first backup: a server that is restored from a
backup, or fails over, keeps it.
"""

from koine.kit.settings import Settings
from koine.kit.tokens import random_token
from koine.model.errors import Unavailable
from koine.server.database import StartupError, is_postgres, open_database, sqlite_path
from koine.store import server_values

_NAME = "server_id"


async def server_id(settings: Settings, *, make: bool = True) -> str:
    """The id of the server of these settings; "" if there is no database, or it has none and cannot
    be written. `make`: it gets one if it has none."""
    if not is_postgres(settings) and not sqlite_path(settings).exists():
        return ""
    try:
        db = await open_database(settings)
    except StartupError:
        return ""
    try:
        if await db.version() is None:
            return ""
        known = await db.read("", server_values.get, _NAME)
        if known is not None or not make:
            return known or ""
        return await db.write("", server_values.get_or_insert, _NAME, random_token())
    except Unavailable:
        return ""
    finally:
        await db.close()
