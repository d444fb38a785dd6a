"""Delete files without a row: of an upload that was broken off, or a crash between bytes and row.

This is only done where the folder belongs to this database: of two databases with one data folder
each would delete the uploads of the other. The first writes its name into the folder, and no other
deletes anything there.
"""

import asyncio
import zlib
from pathlib import Path

import structlog

from koine.engine.conversations.files import KEY
from koine.engine.core.engine import Engine
from koine.kit.times import DAY, SECOND
from koine.kit.tokens import random_token
from koine.store import server_values
from koine.store.conversations import files

AGE = DAY
"""How old a file must be to be deleted, µs: the row of an upload is written long before."""
OWNER = "files.owner"
_BATCH_SIZE = 500

_log = structlog.get_logger("koine")


async def delete_orphans(engine: Engine, turn: int = 0, turns: int = 1) -> int:
    """Delete the files without row in one of `turns` parts of the folders, by default in all;
    returns how many."""
    data = Path(engine.settings.data_dir)
    mine = await engine.db.write("", server_values.get_or_insert, "files_owner", random_token())
    if not await asyncio.to_thread(_is_ours, data, mine):
        if turn == 0:
            _log.warning(
                "no upload was deleted: the folder belongs to another database", folder=str(data)
            )
        return 0
    before = (engine.clock.now() - AGE) / SECOND
    gone = 0
    for old in await asyncio.to_thread(_old_files, data / "files", turn, turns, before):
        known = set(await engine.db.read("", files.known, [path.stem for path in old]))
        gone += await asyncio.to_thread(_remove, [path for path in old if path.name not in known])
    return gone


def _is_ours(data: Path, mine: str) -> bool:
    if not (data / "files").is_dir():
        return False
    try:
        with (data / OWNER).open("x") as marker:
            marker.write(mine)
    except FileExistsError:
        return (data / OWNER).read_text() == mine
    return True


def _old_files(root: Path, turn: int, turns: int, before: float) -> list[list[Path]]:
    """Old files whose names are those of uploads, finished or unfinished, in batches."""
    folders = [each for each in root.iterdir() if zlib.crc32(each.name.encode()) % turns == turn]
    found = [
        path
        for folder in folders
        for path in folder.glob("*/*")
        if KEY.fullmatch(path.stem) and path.suffix in ("", ".part")
        if path.stat().st_mtime < before
    ]
    return [found[at : at + _BATCH_SIZE] for at in range(0, len(found), _BATCH_SIZE)]


def _remove(paths: list[Path]) -> int:
    gone = 0
    for path in paths:
        try:
            path.unlink(missing_ok=True)
            gone += 1
        except OSError as error:
            _log.warning("a file could not be deleted", file=path.name, reason=str(error))
    return gone
