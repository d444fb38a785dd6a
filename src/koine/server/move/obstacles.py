"""What keeps a server from being moved."""

import shutil
from pathlib import Path

from msgspec import Struct

from koine.engine.maintenance.orphan_files import OWNER
from koine.kit.amounts import size
from koine.kit.clock import SystemClock
from koine.kit.settings import Settings
from koine.kit.times import iso_ms
from koine.server import process_records
from koine.server.data_folder import nearest_existing
from koine.server.database import database_name, is_postgres, sqlite_path
from koine.server.move import marks
from koine.server.move.marks import MoveProgress, SourceMark
from koine.store import schema, whole_tables
from koine.store.core.db import Database

SAME_DATABASE = "the server is at this database already: name another"


class MoveError(Exception):
    """A move cannot be done; the message says why and what to do."""


class MoveOptions(Struct, frozen=True):
    """`force`: although processes of the server may be running on PostgreSQL; `restart`: empty the
    database that an interrupted move half filled, and begin anew."""

    force: bool = False
    restart: bool = False


class MoveState(Struct, frozen=True):
    """The marks of earlier moves in both databases."""

    mark: SourceMark | None
    progress: MoveProgress | None

    @property
    def resumes(self) -> bool:
        """Whether both are of the same move, which was interrupted."""
        return (
            self.mark is not None and self.progress is not None and self.mark.id == self.progress.id
        )


def require_different(source: Settings, target: Settings) -> None:
    """Raise MoveError for a move of an embedded database to itself, or of one that is missing."""
    if is_postgres(source):
        return
    if not sqlite_path(source).exists():
        raise MoveError(f"there is no database {sqlite_path(source)} to move")
    if not is_postgres(target) and sqlite_path(source).resolve() == sqlite_path(target).resolve():
        raise MoveError(SAME_DATABASE)


async def get_state(source: Database, target: Database | None) -> MoveState:
    """The marks of both databases. The source has tables; there may be no target yet."""
    mark = await source.read("", marks.get_source_mark)
    if target is None or await target.version() is None:
        return MoveState(mark, None)
    return MoveState(mark, await target.read("", marks.get_progress))


async def of_source(
    settings: Settings, db: Database, state: MoveState, options: MoveOptions
) -> list[str]:
    """What is against moving away from a database."""
    name, mark = database_name(settings), state.mark
    found = []
    if await db.version() != schema.head():
        found.append(f"the tables of {name} are those of a newer Koine: use that one")
    if progress := await db.read("", marks.get_progress):
        found.append(f"{name} is itself half filled by a move from {progress.source}")
    if mark is not None and mark.state == "moved" and not state.resumes:
        found.append(
            f"{name} was moved to {mark.to} at {iso_ms(mark.at)}: `koine move --undo` opens it"
            " again"
        )
    if is_postgres(settings) and not options.force:
        found += await _of_processes(db, name)
    return found


async def of_target(
    source: Database, target: Database, state: MoveState, options: MoveOptions
) -> list[str]:
    """What is against moving into a database: it must have no rows but those of this move."""
    ids = [await db.database_id() for db in (source, target) if db.kind == source.kind]
    if len(ids) == 2 and ids[0] and ids[0] == ids[1]:
        return [SAME_DATABASE]
    version = await target.version()
    if version is None:
        return []
    if version != schema.head():
        return [
            f"the database to move to has tables at {version}, not at {schema.head()}: run"
            " `koine migrate` on it, or name an empty one"
        ]
    if state.resumes:
        return []
    if state.progress is not None:
        if options.restart:
            return []
        return [
            f"the database to move to is half filled by another move, from {state.progress.source}:"
            " --restart empties it"
        ]
    async with target.snapshot() as view:
        counts = await view.read("", whole_tables.count_tables)
    filled = [f"{name} {count:,}" for name, count in counts.items() if count]
    if not filled:
        return []
    return [f"the database to move to is not empty (rows: {', '.join(filled)}): name an empty one"]


async def of_texts(source: Database) -> list[str]:
    """Rows of SQLite whose texts PostgreSQL does not store."""
    found = []
    async with source.snapshot() as view:
        for table in whole_tables.TABLES:
            if keys := await view.read("", whole_tables.rows_with_nul, table):
                first = ", ".join(map(str, keys[0]))
                found.append(
                    f"{table.name} has texts with the character NUL, which PostgreSQL does not"
                    f" store: correct them first (a row with the key {first})"
                )
    return found


def of_data_folder(source: Settings, target: Settings) -> list[str]:
    """A data folder to copy to that has the uploads of another database: maintenance would delete
    them there, as if nothing needed them."""
    here, there = (Path(each.data_dir) / OWNER for each in (source, target))
    if not there.is_file() or (here.is_file() and here.read_bytes() == there.read_bytes()):
        return []
    return [f"{there.parent} has the uploads of another database: name another folder"]


def of_disks(target: Settings, database_bytes: int, file_bytes: int) -> list[str]:
    """Disks of this machine that have less space than a database and files of these sizes need."""
    written = [(Path(target.data_dir), file_bytes)]
    if not is_postgres(target):
        written.append((sqlite_path(target).parent, database_bytes))
    needed: dict[int, tuple[Path, int]] = {}
    for folder, count in written:
        there = nearest_existing(folder)
        device = there.stat().st_dev
        needed[device] = (there, needed.get(device, (there, 0))[1] + count)
    return [
        f"{folder} has {size(free)} free, and some {size(count)} are needed"
        for folder, count in needed.values()
        if (free := shutil.disk_usage(folder).free) < count
    ]


async def _of_processes(db: Database, name: str) -> list[str]:
    now = SystemClock().now()
    return [
        f"process {each.pid} on {each.node} serves {name}: stop it; if it is gone, wait"
        f" {process_records.FRESH_SECONDS} s or give --force"
        for each in await db.read("", process_records.list_all)
        if each.serves(now)
    ]
