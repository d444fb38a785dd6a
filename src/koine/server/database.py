"""Open the database that the settings name."""

import asyncio
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog

from koine.kit.lazy_import import LazyModule
from koine.kit.settings import Settings
from koine.store.backup import DatabaseBackup
from koine.store.core.db import CannotConnect, Database

if TYPE_CHECKING:
    from koine.store import postgres, sqlite
    from koine.store.postgres import backup as postgres_backup
    from koine.store.sqlite import backup as sqlite_backup
else:
    postgres = LazyModule("koine.store.postgres")
    sqlite = LazyModule("koine.store.sqlite")
    postgres_backup = LazyModule("koine.store.postgres.backup")
    sqlite_backup = LazyModule("koine.store.sqlite.backup")

_log = structlog.get_logger("koine")

WAIT_LOG_SECONDS = 10
"""Seconds between two log lines about a database that is waited for."""
TRY_SECONDS = 0.5
"""Seconds between two attempts to connect to it."""


class StartupError(Exception):
    """The server cannot start; the message says why and what to do."""


async def open_database(settings: Settings, *, wait_seconds: float = 0) -> Database:
    """Connect to the database of the settings; the schema is not checked.

    Waits up to `wait_seconds` for a server that does not answer or is starting, and says so in the
    log. Raises StartupError.
    """
    where, began, logged_at = database_name(settings), monotonic(), 0.0
    while True:
        try:
            opened = await _open(settings)
            if logged_at:
                _log.info("the database answers", seconds_waited=round(monotonic() - began))
            return opened
        except CannotConnect as error:
            reason = f"the database at {where} {error}"
            waited = monotonic() - began
            if not error.may_pass or waited >= wait_seconds:
                after = f" (after {waited:.0f} s)" if error.may_pass and wait_seconds else ""
                raise StartupError(f"{reason}{after}") from None
        except (OSError, RuntimeError) as error:
            raise StartupError(f"cannot open the database at {where}: {error}") from None
        if not logged_at or monotonic() - logged_at >= WAIT_LOG_SECONDS:
            logged_at = monotonic()
            left = round(wait_seconds - waited)
            _log.warning("waiting for the database", reason=reason, seconds_left=left)
        await asyncio.sleep(TRY_SECONDS)


async def _open(settings: Settings) -> Database:
    if is_postgres(settings):
        return await postgres.PostgresDatabase.open(settings.database_url, settings.pool_size)
    return await sqlite.SqliteDatabase.open(sqlite_path(settings))


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
