"""`move` a server to another database, `check` whether that can be done, or `undo` it.

The order matters, as the process may be killed at any point. The source is marked before its first
row is read, so that it does not change until the move is complete or undone. The target has its
progress until all is compared, the source is marked as moved, and no point is left to which a
second run would have to return.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from time import monotonic

from msgspec import Struct
from msgspec.structs import replace

from koine.engine.personal_data import erased_list
from koine.kit import private_files
from koine.kit.clock import SystemClock
from koine.kit.ids import new_id
from koine.kit.settings import Settings
from koine.server.database import (
    database_backup,
    database_name,
    is_postgres,
    open_database,
    sqlite_path,
)
from koine.server.move import marks, values
from koine.server.move.comparison import TableDigest, differences
from koine.server.move.copying import copy_rows
from koine.server.move.marks import MoveProgress, SourceMark
from koine.server.move.obstacles import (
    SAME_DATABASE,
    MoveError,
    MoveOptions,
    get_state,
    require_different,
)
from koine.server.move.plan import MovePlan, files_to_copy, plan_move
from koine.store import schema, whole_tables
from koine.store.backup import BackupError
from koine.store.core.db import Database, Tx

Show = Callable[[str, int, int], None]
"""Called with a stage ("rows", "files" or "compare"), how much of it is done, and its total."""


class MoveReport(Struct, frozen=True):
    """A completed move: the rows and checksum of each table, read back from both databases; the
    files that were copied, and its seconds."""

    source: str
    target: str
    tables: dict[str, TableDigest]
    files: int
    seconds: float
    resumed: bool


class _Move(Struct, frozen=True):
    """What a move works on: the settings and the database of either side."""

    from_: Settings
    to: Settings
    source: Database
    target: Database


async def check(source: Settings, target: Settings, options: MoveOptions) -> MovePlan:
    """What a move would do, and what is against it; changes nothing. Raises MoveError,
    StartupError, WrongSchema, Unavailable."""
    require_different(source, target)
    served = [
        await _why_served(source, although_served=options.force),
        await _why_served(target),
    ]
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(_opened(source))
        there = await stack.enter_async_context(_opened(target)) if _exists(target) else None
        plan = await plan_move((source, here), (target, there), options)
    return replace(plan, obstacles=[*filter(None, served), *plan.obstacles])


async def move(source: Settings, target: Settings, options: MoveOptions, show: Show) -> MoveReport:
    """Copy everything of a server that is stopped to an empty database, or go on with an
    interrupted move; compare both; mark the source as moved.

    Raises MoveError, also when a server uses one of the databases, StartupError, WrongSchema,
    MissingRight, Unavailable.
    """
    began = monotonic()
    require_different(source, target)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_both_exclusive(source, target, options))
        here = await stack.enter_async_context(_opened(source))
        known = await stack.enter_async_context(_opened(target)) if _exists(target) else None
        plan = await plan_move((source, here), (target, known), options)
        if plan.obstacles:
            raise MoveError("; ".join(plan.obstacles))
        if known is None:
            known = await stack.enter_async_context(_opened(target))
        work = _Move(source, target, here, known)
        mark, progress = await _begin(work, options)
        if not progress.verified:
            digests, files = await _copy_and_compare(work, plan, progress, show)
        else:
            digests, files = {}, 0
        await _complete(work, mark)
        if not digests:
            digests, _ = await differences(here, known, lambda _: None)
    return MoveReport(
        plan.source, plan.target, digests, files, round(monotonic() - began, 1), plan.resumes
    )


async def undo(source: Settings) -> SourceMark:
    """Open the database again that a server moved from; returns the mark that it had. Raises
    MoveError, also while the move runs, StartupError, Unavailable."""
    if not _exists(source) or not await _is_marked(source):
        raise MoveError(f"no server was moved from {database_name(source)}")
    async with _exclusive(source), _opened(source) as db:
        mark = await db.write("", marks.undo_tx)
    if mark is None:
        raise MoveError(f"no server was moved from {database_name(source)}")
    return mark


async def _is_marked(source: Settings) -> bool:
    async with _opened(source) as db:
        if await db.version() is None:
            return False
        return await db.read("", marks.get_source_mark) is not None


async def _begin(work: _Move, options: MoveOptions) -> tuple[SourceMark, MoveProgress]:
    """Mark both databases, unless they are those of a move that goes on."""
    state = await get_state(work.source, work.target)
    if state.resumes and not options.restart and state.mark and state.progress:
        return state.mark, state.progress
    now = SystemClock().now()
    mark = SourceMark(new_id(), "moving", database_name(work.to), now)
    await work.source.write("", marks.put_source_mark, mark)
    if await work.target.version() is None:
        await schema.migrate(work.target)
    progress = MoveProgress(mark.id, database_name(work.from_))
    async with work.target.bulk_writer() as writer:
        await writer.write("", _empty, progress)
    return mark, progress


async def _empty(tx: Tx, progress: MoveProgress) -> None:
    await whole_tables.delete_all(tx)
    await marks.put_progress(tx, progress)


async def _copy_and_compare(
    work: _Move, plan: MovePlan, progress: MoveProgress, show: Show
) -> tuple[dict[str, TableDigest], int]:
    total = sum(plan.rows.values())
    progress = await copy_rows(
        work.source, work.target, progress, lambda done: show("rows", done, total)
    )
    async with work.source.snapshot() as view:
        every = await view.read("", values.get)
    await work.target.write("", values.replace, every)
    await values.raise_sequences(work.target, await values.get_sequences(work.source))
    await work.target.analyze(every=True)
    files = _copy_files(work, plan.file_bytes, show)
    digests, found = await differences(
        work.source, work.target, lambda done: show("compare", done, 2 * total)
    )
    found += await _uncounted(work)
    if found:
        raise MoveError(
            f"the databases differ: {'; '.join(found)}. The source is as it was: move again with"
            " --restart"
        )
    await work.target.write("", marks.put_progress, replace(progress, verified=True))
    return digests, files


async def _uncounted(work: _Move) -> list[str]:
    """What differs in the numbers that the next rows get."""
    ours, theirs = [await values.get_sequences(db) for db in (work.source, work.target)]
    behind = ours.position > theirs.position or ours.message_number > theirs.message_number
    return ["the next numbers are not above the last ones"] if behind else []


async def _complete(work: _Move, mark: SourceMark) -> None:
    """All is compared: from here on the source may not be served, and then the target may."""
    moved = replace(mark, state="moved", at=SystemClock().now())
    await work.source.write("", marks.put_source_mark, moved)
    await work.target.write("", _open, await work.target.timeline_id())


async def _open(tx: Tx, timeline_id: str) -> None:
    await values.keep_epoch(tx, timeline_id)
    await marks.delete_progress(tx)


def _copy_files(work: _Move, total: int, show: Show) -> int:
    """Copy the files that the other data folder lacks; each is compared if it has it."""
    copied = size = 0
    root = Path(work.to.data_dir)
    for source, target in files_to_copy(work.from_, work.to):
        if source.name == erased_list.NAME:
            # The server may have been at the other folder before, and erased people there.
            copied += erased_list.add_missing(source, target)
        else:
            copied += private_files.copy(source, target, root)
        size += source.stat().st_size
        show("files", size, total)
    return copied


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    db = await open_database(settings)
    try:
        yield db
    finally:
        await db.close()


@asynccontextmanager
async def _both_exclusive(
    source: Settings, target: Settings, options: MoveOptions
) -> AsyncIterator[None]:
    """Keep servers and other moves off both databases. Raises MoveError."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_exclusive(source, although_served=options.force))
        try:
            await stack.enter_async_context(_exclusive(target))
        except MoveError:
            if await _are_one(source, target):  # which is in use by this move
                raise MoveError(SAME_DATABASE) from None
            raise
        yield


async def _are_one(source: Settings, target: Settings) -> bool:
    """Whether both name the same PostgreSQL database."""
    if not is_postgres(source) or not is_postgres(target):
        return False
    async with _opened(source) as here, _opened(target) as there:
        return await here.database_id() == await there.database_id()


@asynccontextmanager
async def _exclusive(settings: Settings, *, although_served: bool = False) -> AsyncIterator[None]:
    """Keep servers and other moves off a database. Raises MoveError if one uses it."""
    try:
        async with database_backup(settings).exclusive(although_served=although_served):
            yield
    except BackupError as error:
        name, reason = database_name(settings), str(error)
        raise MoveError(reason if name in reason else f"{name}: {reason}") from None


def _exists(settings: Settings) -> bool:
    """Whether there may be a database to open, which must not be created for that."""
    return is_postgres(settings) or sqlite_path(settings).exists()


async def _why_served(settings: Settings, *, although_served: bool = False) -> str:
    """Why a database may be in use by a server or a move; "" if it is not, or not there."""
    if not _exists(settings):
        return ""
    try:
        async with _exclusive(settings, although_served=although_served):
            return ""
    except MoveError as error:
        return str(error)
