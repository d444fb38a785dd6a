"""Files that no row names: an upload broken off, a crash between its bytes and its row.

Only where the folder is this database's own: two databases with one data folder would take each
other's uploads for leftovers. The first to look puts its name there, and no other sweeps.
"""

import asyncio
import zlib
from pathlib import Path

import structlog

from koine.engine.conversations.files import KEY
from koine.engine.core.context import Engine
from koine.kit.times import DAY, SECOND
from koine.kit.tokens import random_token
from koine.store.conversations import files
from koine.store.people import tenants

AGE = DAY
"""How old a file is before it can be a leftover, µs: an upload's row comes long before."""
OWNER = "files.owner"
_PIECE = 500

_log = structlog.get_logger("koine")


async def delete_orphans(engine: Engine, turn: int = 0, turns: int = 1) -> int:
    """Take away the leftovers of one in `turns` folders, all by default; answers how many."""
    data = Path(engine.settings.data_dir)
    mine = await engine.db.write("", tenants.server_value, "files_owner", random_token())
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
    """In pieces: whatever has a file's name, or that of one being written, and is old."""
    folders = [each for each in root.iterdir() if zlib.crc32(each.name.encode()) % turns == turn]
    found = [
        path
        for folder in folders
        for path in folder.glob("*/*")
        if KEY.fullmatch(path.stem) and path.suffix in ("", ".part")
        if path.stat().st_mtime < before
    ]
    return [found[at : at + _PIECE] for at in range(0, len(found), _PIECE)]


def _remove(paths: list[Path]) -> int:
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)
