"""Copy the rows of every table, in batches that are committed together with how far the copy is."""

from collections.abc import AsyncIterator, Callable, Sequence

from msgspec.structs import replace
from sqlalchemy import Table

from koine.server.move.marks import MoveProgress, put_progress
from koine.server.move.obstacles import MoveError
from koine.store import whole_tables
from koine.store.core.db import BrokenRow, BulkWriter, Database, Duplicate, Snapshot
from koine.store.whole_tables import Row

BATCH_ROWS, BATCH_BYTES = 5000, 4 << 20
"""A batch is complete when it has this many rows, or texts of this size."""
Show = Callable[[int], None]
_MISFITS = (TypeError, ValueError, OverflowError)
"""A value that is not of its column's type, which SQLite does not check, or no text in UTF-8."""


async def copy_rows(
    source: Database, target: Database, progress: MoveProgress, show: Show
) -> MoveProgress:
    """Copy what the target lacks; returns the progress, with every table done. `show` is called
    with the number of rows in the target, after each commit. Raises MoveError, Unavailable."""
    async with source.snapshot() as view, target.bulk_writer() as writer:
        for table in whole_tables.TABLES:
            if table.name not in progress.done:
                progress = await _copy_table(view, writer, table, progress, show)
    return progress


async def _copy_table(
    view: Snapshot, writer: BulkWriter, table: Table, progress: MoveProgress, show: Show
) -> MoveProgress:
    name, before = str(table.name), sum(progress.done.values())
    after = progress.after if progress.table == name else []
    rows = progress.rows if progress.table == name else 0
    command = whole_tables.insert_command(table)
    try:
        async for batch in _batches(view, table, after):
            rows += len(batch)
            after = whole_tables.key_of(table, batch[-1])
            upto = replace(progress, table=name, after=after, rows=rows)
            await writer.copy(command, batch, put_progress, upto)
            progress = upto
            show(before + rows)
    except (BrokenRow, Duplicate, *_MISFITS) as error:
        where = f" soon after {', '.join(map(str, progress.after))}" if progress.after else ""
        raise MoveError(f"a row of {name}{where} cannot be copied: {error}") from None
    progress = replace(progress, done=progress.done | {name: rows}, table="", after=[], rows=0)
    await writer.write("", put_progress, progress)
    return progress


async def _batches(
    view: Snapshot, table: Table, after: Sequence[object]
) -> AsyncIterator[list[Row]]:
    """The rows after a key, in batches of about the same size."""
    batch: list[Row] = []
    size = 0
    async for page in whole_tables.stream_rows(view, table, after):
        batch += page
        size += sum(len(value) for row in page for value in row if isinstance(value, str | bytes))
        if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
