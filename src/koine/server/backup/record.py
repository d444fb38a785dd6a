"""When the last backup was made and verified: written into the database that it is of.

`koine backup` writes it, `koine status` and the metrics of every process show it. A database that
is restored from a backup has the record of the one before, as it had when the backup was made.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from koine.kit.clock import SystemClock
from koine.kit.settings import Settings
from koine.model.errors import Unavailable
from koine.server.database import StartupError, is_postgres, open_database, sqlite_path
from koine.store import server_values
from koine.store.core.db import Tx

_NAME = "last_backup"


class BackupRecord(Struct, frozen=True):
    """The last backup: the name of its file, its size in bytes, and when it was complete; and when
    one, this or another, was last found without a difference. Times are µs since the epoch."""

    file: str = ""
    bytes: int = 0
    created_at: int | None = None
    verified_at: int | None = None


async def get(tx: Tx) -> BackupRecord:
    """What is known of backups of this database; empty if there was none."""
    text = await server_values.get(tx, _NAME)
    try:
        return msgspec.json.decode(text or "{}", type=BackupRecord)
    except msgspec.MsgspecError:
        return BackupRecord()


async def record_created(settings: Settings, path: Path) -> str:
    """Write that a backup was made just now; returns why that was not possible, or ""."""
    now, size = SystemClock().now(), path.stat().st_size
    return await _record(
        settings, lambda old: replace(old, file=path.name, bytes=size, created_at=now)
    )


async def record_verified(settings: Settings) -> str:
    """Write that a backup was verified just now; returns why that was not possible, or "". The
    machine may have no database: a backup can be verified anywhere."""
    now = SystemClock().now()
    return await _record(settings, lambda old: replace(old, verified_at=now))


async def _record(settings: Settings, change: Callable[[BackupRecord], BackupRecord]) -> str:
    if not is_postgres(settings) and not sqlite_path(settings).exists():
        return ""
    try:
        db = await open_database(settings)
    except StartupError as error:
        return str(error)
    try:
        if await db.version() is not None:
            await db.write("", _change, change)
        return ""
    except Unavailable:
        return "the database does not write"
    finally:
        await db.close()


async def _change(tx: Tx, change: Callable[[BackupRecord], BackupRecord]) -> None:
    changed = change(await get(tx))
    await server_values.put(tx, _NAME, msgspec.json.encode(changed).decode())
