"""Write the uploads of an archive into the data folder, before the rows that name them."""

import asyncio
import os
from pathlib import Path

from koine.engine.archive import tar
from koine.engine.archive.adaptation import Plan
from koine.engine.archive.exporting import Progress
from koine.engine.archive.format import ArchiveError, file_key
from koine.engine.archive.reader import Contents
from koine.engine.archive.renewal import FILE_KEY
from koine.engine.archive.tar import Member, Source
from koine.engine.conversations.files import relative_path
from koine.engine.core.engine import Engine
from koine.kit import private_files
from koine.store.archive import taken


async def copy_uploads(
    engine: Engine, source: Source, contents: Contents, plan: Plan, progress: Progress
) -> None:
    """Write the uploads whose bytes are not there yet. Raises ArchiveError if another tenant has
    one of their keys, OSError, Unavailable."""
    data, total = Path(engine.settings.data_dir), contents.manifest.files
    renewal, done = plan.renewal(), 0
    if not total:
        return
    for member in tar.members(source, contents.files_at):
        if (archived := file_key(member.name)) is None:
            continue
        key = renewal.token(FILE_KEY, archived)
        await _require_free(engine, plan, key)
        path = data / relative_path(key)
        await asyncio.to_thread(_copy_file, source, member, path, data / "files")
        done += 1
        progress("files", done, total)


async def _require_free(engine: Engine, plan: Plan, key: str) -> None:
    """Raise ArchiveError if an upload of another tenant has got this key since the plan was made:
    its bytes must stay."""
    if await engine.db.read(plan.tenant_id, taken.taken_tokens, FILE_KEY, [key]):
        raise ArchiveError(
            "an upload of another tenant has the key of one in the archive: discard the import with"
            " `koine tenant discard` and try again"
        )


def _copy_file(source: Source, member: Member, path: Path, root: Path) -> None:
    """Write an upload, unless its bytes are there. Whatever else is there was left by a crash."""
    if _has_bytes(path, source, member):
        os.utime(path)  # or maintenance may take it for an old file without a row
        return
    with private_files.complete_below(path, root) as out:
        for piece in tar.read_member(source, member):
            out.write(piece)


def _has_bytes(path: Path, source: Source, member: Member) -> bool:
    """Whether a file is there and has the bytes of a member."""
    if not path.is_file() or path.stat().st_size != member.size:
        return False
    with path.open("rb") as there:
        return all(there.read(len(each)) == each for each in tar.read_member(source, member))
