"""What a move writes into both databases, so that no server serves the wrong one.

The database that a server moves from is marked before the first row is read, and stays marked. The
other has the progress of the move until everything in it is verified.
"""

from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from koine.kit.settings import Settings
from koine.kit.times import iso_ms
from koine.server.database import StartupError, database_name
from koine.store import server_values
from koine.store.core.db import Database, Tx
from koine.store.events import event_log_state

SOURCE_MARK: Final = server_values.MOVE_SOURCE
PROGRESS: Final = server_values.MOVE_PROGRESS


class SourceMark(Struct, frozen=True):
    """In the database that a server moves from: the move, where to (without a password), and since
    when (µs)."""

    id: str
    state: Literal["moving", "moved"]
    to: str
    at: int


class MoveProgress(Struct, frozen=True):
    """In the database that a server moves into: the move, where from, and what was copied.

    `done` has the rows of each table that is complete, `table` the name of the next, of which
    `rows` rows are there, up to the primary key `after`. `verified`: all is there, and compared.
    """

    id: str
    source: str
    done: dict[str, int] = {}
    table: str = ""
    after: list[Any] = []
    rows: int = 0
    verified: bool = False


async def get_source_mark(tx: Tx) -> SourceMark | None:
    """The mark of a database that a server moves or moved from."""
    text = await server_values.get(tx, SOURCE_MARK)
    return None if text is None else msgspec.json.decode(text, type=SourceMark)


async def put_source_mark(tx: Tx, mark: SourceMark) -> None:
    """Write the mark."""
    await server_values.put(tx, SOURCE_MARK, msgspec.json.encode(mark).decode())


async def get_progress(tx: Tx) -> MoveProgress | None:
    """The progress of the move into this database, if one has begun and not ended."""
    text = await server_values.get(tx, PROGRESS)
    return None if text is None else msgspec.json.decode(text, type=MoveProgress)


async def put_progress(tx: Tx, progress: MoveProgress) -> None:
    """Write how far the move is."""
    await server_values.put(tx, PROGRESS, msgspec.json.encode(progress).decode())


async def delete_progress(tx: Tx) -> None:
    """The database is complete."""
    await server_values.delete_one(tx, PROGRESS)


async def delete_source_mark(tx: Tx) -> None:
    """The database may be served, whether a server moved from it or not."""
    await server_values.delete_one(tx, SOURCE_MARK)


async def undo_tx(tx: Tx) -> SourceMark | None:
    """Delete the mark, and return it. Of a completed move the other database may have been served:
    the event log begins another epoch, as both may have given the same positions to events."""
    mark = await get_source_mark(tx)
    if mark is not None:
        await delete_source_mark(tx)
        if mark.state == "moved":
            await event_log_state.new_epoch(tx)
    return mark


async def require_not_moved(db: Database, settings: Settings) -> None:
    """Raise StartupError when a server moved from this database, or a move into it is not
    complete. The database has tables."""
    mark, progress = await db.read("", _both)
    name = database_name(settings)
    if progress is not None:
        raise StartupError(
            f"the database at {name} is not complete: a move from {progress.source} was"
            " interrupted; the same `koine move` goes on"
        )
    if mark is not None and mark.state == "moving":
        raise StartupError(
            f"the database at {name} is being moved to {mark.to} since {iso_ms(mark.at)}: the same"
            " `koine move` goes on, `koine move --undo` opens this one again"
        )
    if mark is not None:
        raise StartupError(
            f"the database at {name} was moved to {mark.to} at {iso_ms(mark.at)}: use that one;"
            " `koine move --undo` opens this one again"
        )


async def _both(tx: Tx) -> tuple[SourceMark | None, MoveProgress | None]:
    return await get_source_mark(tx), await get_progress(tx)
