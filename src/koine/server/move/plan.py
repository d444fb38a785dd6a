"""What a move would do."""

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from koine.kit.settings import Settings
from koine.server.database import database_name, is_postgres
from koine.server.move.obstacles import (
    MoveOptions,
    get_state,
    of_data_folder,
    of_disks,
    of_source,
    of_target,
    of_texts,
)
from koine.store import schema, whole_tables
from koine.store.core.db import Database

ROWS_PER_SECOND = 15_000
"""How many rows are copied and compared in a second, roughly: what `koine move --dry-run` says."""
BYTES_PER_SECOND = 100 << 20
"""As ROWS_PER_SECOND, of files."""
COPIED_FILES = ("erased.ndjson", "demo.json", "files.owner")
COPIED_FOLDERS = ("files", "exports")
"""What is copied of a data folder: the embedded database is not."""


class MovePlan(Struct, frozen=True):
    """A move: between which databases, the rows of each table, the files to copy and their bytes,
    how long it takes roughly, whether it goes on with an interrupted one, and what is against it,
    each a sentence."""

    source: str
    target: str
    rows: dict[str, int]
    files: int
    file_bytes: int
    seconds: int
    resumes: bool
    obstacles: list[str]


async def plan_move(
    source: tuple[Settings, Database],
    target: tuple[Settings, Database | None],
    options: MoveOptions,
) -> MovePlan:
    """What a move would do; the target is None where there is no file yet. Raises WrongSchema,
    Unavailable."""
    await schema.check(source[1])
    async with source[1].snapshot() as view:
        rows = await view.read("", whole_tables.count_tables)
    files = list(files_to_copy(source[0], target[0]))
    size = sum(file.stat().st_size for file, _ in files)
    state = await get_state(source[1], target[1])
    obstacles = await of_source(*source, state, options)
    if target[1] is not None:
        obstacles += await of_target(source[1], target[1], state, options)
    if not is_postgres(source[0]) and is_postgres(target[0]):
        obstacles += await of_texts(source[1])
    obstacles += of_data_folder(source[0], target[0])
    if not state.resumes:
        obstacles += of_disks(target[0], await source[1].size_bytes(), size)
    return MovePlan(
        source=database_name(source[0]),
        target=database_name(target[0]),
        rows=rows,
        files=len(files),
        file_bytes=size,
        seconds=1 + sum(rows.values()) // ROWS_PER_SECOND + size // BYTES_PER_SECOND,
        resumes=state.resumes and not options.restart,
        obstacles=obstacles,
    )


def files_to_copy(source: Settings, target: Settings) -> Iterator[tuple[Path, Path]]:
    """The files of the source's data folder, each with where it belongs; none where both have the
    same folder."""
    here, there = Path(source.data_dir), Path(target.data_dir)
    if here.resolve() == there.resolve():
        return
    for name in COPIED_FILES:
        if (here / name).is_file():
            yield here / name, there / name
    for name in COPIED_FOLDERS:
        for path in sorted((here / name).rglob("*")):
            if path.is_file() and path.suffix != ".part":
                yield path, there / path.relative_to(here)
