"""What a copy of a database must have in common with what it was copied from.

Both kinds of copy (`sqlite/copying.py`, `postgres/copying.py`) are asked in plain SQL that both
read: a copy is no `Database`, has no tenant, and a count of it may take as long as it takes.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from koine.store.tables import metadata

RunSelect = Callable[[str], Awaitable[Sequence[Sequence[Any]]]]
"""Run one SELECT; the rows."""

_OWN = "server"
"""The table of the server's own values changes by itself: a probe, an epoch."""
_RENAMED_BY = "0012"
_RENAMED = {
    "answers": "idempotency_keys",
    "hooks": "webhook_endpoints",
    "hook_deliveries": "webhook_deliveries",
    "hook_attempts": "webhook_attempts",
}
"""Tables as they were called before a revision, and what they are called since."""
_GAPS = """
SELECT c.tenant_id, c.id, c.last_seq, coalesce(m.many, 0), coalesce(m.lowest, 1),
  coalesce(m.highest, 0)
FROM conversations c LEFT JOIN (
  SELECT tenant_id, conversation_id, count(*) AS many, min(seq) AS lowest, max(seq) AS highest
  FROM messages GROUP BY tenant_id, conversation_id
) m ON m.tenant_id = c.tenant_id AND m.conversation_id = c.id
WHERE c.last_seq <> coalesce(m.highest, 0) OR coalesce(m.many, 0) <> coalesce(m.highest, 0)
  OR coalesce(m.lowest, 1) <> 1
"""


class BackupError(Exception):
    """The copy cannot be made or put back; the message says why and what to do."""


class DatabaseStats(Struct, frozen=True):
    """A database in numbers, all of one moment: rows of each table, position of the newest event.
    `schema` is the revision of its tables."""

    schema: str
    tables: dict[str, int]
    position: int


class BackupContents(Struct, frozen=True):
    """What a copy was like at its moment; `files` are the keys of the uploads it has rows of."""

    stats: DatabaseStats
    files: list[str]


class DatabaseBackup(Protocol):
    """One database, copied to a file and back."""

    kind: str

    async def create(self, target: Path) -> BackupContents:
        """Copy it as it is at one moment, while others use it. Raises CannotCopy."""

    def open_backup(self, source: Path) -> AbstractAsyncContextManager[RunSelect]:
        """A copy, put into a temporary database to be looked at. Raises CannotCopy."""

    def open_database(self) -> AbstractAsyncContextManager[RunSelect]:
        """The database itself, to be looked at."""

    def exclusive(self) -> AbstractAsyncContextManager[None]:
        """Keep servers from the database meanwhile. Raises CannotCopy when one is there."""

    async def is_empty(self) -> bool:
        """Whether nothing would be lost by putting a copy into it."""

    async def restore(self, source: Path) -> None:
        """Put a copy in the place of what is there. Raises CannotCopy."""


def table_name(name: str) -> str:
    """What this program calls a table of this name, which an older Koine may have given it."""
    return _RENAMED.get(name, name)


async def database_stats(ask: RunSelect, known: Collection[str]) -> DatabaseStats:
    """Count a database, perhaps an older one: those of our tables that are among `known`, under
    the names this program has for them."""
    revision = str((await ask("SELECT version_num FROM alembic_version"))[0][0])
    names = set(map(table_name, known)) - {_OWN}
    old = {new: name for name, new in _RENAMED.items()} if revision < _RENAMED_BY else {}
    counts: dict[str, int] = {}
    for name in sorted(table.name for table in metadata.sorted_tables if table.name in names):
        counts[name] = int((await ask(f"SELECT count(*) FROM {old.get(name, name)}"))[0][0])
    newest = await ask("SELECT coalesce(max(position), 0) FROM events")
    return DatabaseStats(revision, counts, int(newest[0][0]))


async def numbering_gaps(ask: RunSelect) -> list[str]:
    """The conversations whose messages are not numbered 1, 2, … to the last, a sentence each."""
    return [
        f"conversation {id_}: {many} messages numbered {lowest} to {highest}, the last should be "
        f"{last}"
        for _, id_, last, many, lowest, highest in await ask(_GAPS)
    ]


async def file_keys(ask: RunSelect) -> list[str]:
    """The key of every upload that has a row."""
    return sorted(str(key) for (key,) in await ask("SELECT key FROM files"))


async def backup_contents(ask: RunSelect, known: Collection[str]) -> BackupContents:
    """Look at a copy that was just made; `known` are its tables."""
    return BackupContents(await database_stats(ask, known), await file_keys(ask))
