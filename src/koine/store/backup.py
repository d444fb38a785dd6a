"""Backups of a database: their interface, and the numbers by which a backup is verified.

The numbers are read by plain SQL that both databases understand (`sqlite/backup.py`,
`postgres/backup.py`), not by a `Database`: it would belong to a tenant and have timeouts.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from koine.store import migration_records
from koine.store.server_values import MOVE_PROGRESS
from koine.store.tables import metadata

RunSelect = Callable[[str], Awaitable[Sequence[Sequence[Any]]]]
"""Runs one SELECT and returns its rows."""

_OWN = "server"
"""Not counted: a running server changes this table by itself (a probe, an epoch)."""
_RENAMED_BY = "0012"
_RENAMED = {
    "answers": "idempotency_keys",
    "hooks": "webhook_endpoints",
    "hook_deliveries": "webhook_deliveries",
    "hook_attempts": "webhook_attempts",
}
"""The names of tables before the revision `_RENAMED_BY`, and those since."""
_PROGRESS = f"SELECT value FROM server WHERE name = '{MOVE_PROGRESS}'"
_GAPS = """
SELECT c.tenant_id, c.id, c.last_seq, coalesce(m.many, 0), coalesce(m.lowest, {deleted} + 1),
  coalesce(m.highest, {deleted})
FROM conversations c LEFT JOIN (
  SELECT tenant_id, conversation_id, count(*) AS many, min(seq) AS lowest, max(seq) AS highest
  FROM messages GROUP BY tenant_id, conversation_id
) m ON m.tenant_id = c.tenant_id AND m.conversation_id = c.id
WHERE c.last_seq <> coalesce(m.highest, {deleted})
  OR coalesce(m.many, 0) <> coalesce(m.highest, {deleted}) - {deleted}
  OR coalesce(m.lowest, {deleted} + 1) <> {deleted} + 1
"""
_DELETES_FROM = "0021"
"""From this revision on a conversation says up to which `seq` retention deleted its messages."""


class BackupError(Exception):
    """The backup cannot be made or restored; the message says why and what to do."""


class NotVerified(BackupError):
    """A backup could not be opened to verify it, for a reason that says nothing about the backup;
    the message says what to do."""


class DatabaseStats(Struct, frozen=True):
    """A database in numbers, all of one moment: the rows of each table, the position of the newest
    event. `schema` is the revision of its tables; `migrations` are the rows of
    `koine.store.migration_records`, by which an older Koine knows whether it can use them."""

    schema: str
    tables: dict[str, int]
    position: int
    migrations: dict[str, str] = {}


class BackupContents(Struct, frozen=True):
    """The numbers of a backup, and the keys of the uploads in it."""

    stats: DatabaseStats
    files: list[str]


class DatabaseBackup(Protocol):
    """Backs one database up to a file and restores it."""

    kind: str

    async def create(self, target: Path) -> BackupContents:
        """Write a snapshot to `target` while servers use it. Raises BackupError."""

    def open_backup(self, source: Path) -> AbstractAsyncContextManager[RunSelect]:
        """Open a backup for queries, in a temporary database. Raises BackupError, and NotVerified
        if there can be no temporary database."""

    def open_database(self) -> AbstractAsyncContextManager[RunSelect]:
        """Open the database itself for queries."""

    def exclusive(self, *, although_served: bool = False) -> AbstractAsyncContextManager[None]:
        """Keep servers, and other commands that call this, off the database meanwhile. Raises
        BackupError if one uses it. `although_served`: a PostgreSQL database also if only servers
        do, which may be gone."""

    async def is_empty(self) -> bool:
        """Whether a restore would overwrite nothing."""

    async def restore(self, source: Path) -> None:
        """Replace its contents by a backup. Raises BackupError."""


def table_name(name: str) -> str:
    """The name that this program has for a table of any revision."""
    return _RENAMED.get(name, name)


async def database_stats(select: RunSelect, known: Collection[str]) -> DatabaseStats:
    """Count the rows of those of our tables that are among `known`. The database may have an older
    revision; the result has the names of this one."""
    revision = str((await select("SELECT version_num FROM alembic_version"))[0][0])
    names = set(map(table_name, known)) - {_OWN}
    old = {new: name for name, new in _RENAMED.items()} if revision < _RENAMED_BY else {}
    counts: dict[str, int] = {}
    for name in sorted(table.name for table in metadata.sorted_tables if table.name in names):
        counts[name] = int((await select(f"SELECT count(*) FROM {old.get(name, name)}"))[0][0])
    newest = await select("SELECT coalesce(max(position), 0) FROM events")
    records = await select(migration_records.SELECT_ALL)
    migrations = {str(name): str(value) for name, value in records}
    return DatabaseStats(revision, counts, int(newest[0][0]), migrations)


async def numbering_gaps(select: RunSelect) -> list[str]:
    """A sentence for each conversation whose messages are not numbered 1, 2, … to the last, or from
    the last that retention deleted. The database may have an older revision."""
    revision = str((await select("SELECT version_num FROM alembic_version"))[0][0])
    deleted = "c.deleted_seq" if revision >= _DELETES_FROM else "0"
    return [
        f"conversation {id_}: {many} messages numbered {lowest} to {highest}, the last should be "
        f"{last}"
        for _, id_, last, many, lowest, highest in await select(_GAPS.format(deleted=deleted))
    ]


async def file_keys(select: RunSelect) -> list[str]:
    """The key of every upload that has a row."""
    return sorted(str(key) for (key,) in await select("SELECT key FROM files"))


async def require_complete(select: RunSelect) -> None:
    """Raise BackupError for a database that a move has filled in part: what a backup of it has is
    of no use."""
    if await select(_PROGRESS):
        raise BackupError(
            "the database is not complete, as a move into it was interrupted: back up the one that"
            " the server moves from"
        )


async def backup_contents(select: RunSelect, known: Collection[str]) -> BackupContents:
    """The numbers of a new backup; `known` are its tables."""
    return BackupContents(await database_stats(select, known), await file_keys(select))
