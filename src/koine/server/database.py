"""Open the database that the settings name."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from koine.kit.lazy_import import LazyModule
from koine.kit.settings import Settings
from koine.model.errors import Unavailable
from koine.store.backup import DatabaseBackup
from koine.store.core.db import Database

if TYPE_CHECKING:
    import asyncpg

    from koine.store import postgres, sqlite
    from koine.store.postgres import backup as postgres_backup
    from koine.store.sqlite import backup as sqlite_backup
else:
    asyncpg = LazyModule("asyncpg")
    postgres = LazyModule("koine.store.postgres")
    sqlite = LazyModule("koine.store.sqlite")
    postgres_backup = LazyModule("koine.store.postgres.backup")
    sqlite_backup = LazyModule("koine.store.sqlite.backup")


class StartupError(Exception):
    """The server cannot start; the message says why and what to do."""


async def open_database(settings: Settings) -> Database:
    """Connect to the database of the settings; the schema is not checked. Raises StartupError."""
    where = database_name(settings)
    try:
        if is_postgres(settings):
            return await postgres.PostgresDatabase.open(settings.database_url, settings.pool_size)
        return await sqlite.SqliteDatabase.open(sqlite_path(settings))
    except Unavailable:
        raise StartupError(f"the database at {where} does not answer: is it running?") from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise StartupError(f"the database at {where} refuses us: {error}") from None
    except (OSError, RuntimeError) as error:
        raise StartupError(f"cannot open the database at {where}: {error}") from None


def database_backup(settings: Settings) -> DatabaseBackup:
    """What dumps and restores the database of the settings."""
    if is_postgres(settings):
        return postgres_backup.PostgresBackup(settings.database_url, settings.postgres_programs)
    return sqlite_backup.SqliteBackup(sqlite_path(settings))


def is_postgres(settings: Settings) -> bool:
    """Whether the settings name a PostgreSQL server, not a SQLite file."""
    return settings.database_url.startswith("postgres")


def sqlite_path(settings: Settings) -> Path:
    """The SQLite file of the settings."""
    named = settings.database_url.removeprefix("sqlite:///")
    return Path(named) if named else Path(settings.data_dir) / "koine.db"


def database_name(settings: Settings) -> str:
    """Where the database is, for people to read: without its password."""
    if not is_postgres(settings):
        return str(sqlite_path(settings))
    parts = urlsplit(settings.database_url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
