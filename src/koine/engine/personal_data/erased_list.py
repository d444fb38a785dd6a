"""The list of erased people, in a file beside the database: ids alone.

A restored backup has the data of people who were erased after it was made. The list is not part of
the database, so it outlives the restore, and `koine person erase-again` erases them again.
"""

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from koine.engine.core.engine import Engine
from koine.kit import private_files
from koine.kit.ids import is_id
from koine.model.errors import Unavailable
from koine.model.personal_data import Erasure, MessagePolicy, PersonKind

NAME = "erased.ndjson"
"""The name of the file in the data folder: a JSON object in each line."""
log = logging.getLogger(__name__)


class ErasedPerson(Struct, frozen=True):
    """A line of the list. `requested_at` is in µs. `also` are the contacts that were merged into
    the person: an older backup has them as people of their own."""

    tenant_id: str
    id: str
    kind: PersonKind
    messages: MessagePolicy
    requested_at: int
    also: list[str] = []

    @property
    def ids(self) -> list[str]:
        """The person and those that were merged into it."""
        return [self.id, *self.also]


_decoder = msgspec.json.Decoder(ErasedPerson)


class BadList(ValueError):
    """The file is no list of erased people."""


def path_of(engine: Engine) -> Path:
    """Where the list is."""
    return Path(engine.settings.data_dir) / NAME


async def add(engine: Engine, tenant_id: str, erasure: Erasure) -> None:
    """Add a person; when this returns, that is on disk. Raises Unavailable."""
    line = msgspec.json.encode(erased_person(tenant_id, erasure)) + b"\n"
    try:
        await asyncio.to_thread(_append, path_of(engine), line)
    except OSError as error:
        log.error("the list of erased people cannot be written: %s", error)
        raise Unavailable() from error


def erased_person(tenant_id: str, of: Erasure) -> ErasedPerson:
    """The line about an erasure."""
    return ErasedPerson(tenant_id, of.id, of.kind, of.messages, of.requested_at, of.ids[1:])


def load(path: Path) -> list[ErasedPerson]:
    """The people in a list, each once, as the last line about them says. Raises BadList, OSError.

    A line that a crash has cut off is at the end or followed by another: it is left out."""
    found: dict[tuple[str, str], ErasedPerson] = {}
    lines = list(filter(None, path.read_bytes().splitlines()))
    for line in lines:
        with suppress(msgspec.MsgspecError):
            person = _decoder.decode(line)
            if all(map(is_id, [person.tenant_id, *person.ids])):
                found[person.tenant_id, person.id] = person
    if lines and not found:
        raise BadList(f"{path} is no list of erased people")
    return list(found.values())


def add_missing(source: Path, target: Path) -> bool:
    """Add the lines of a list that another lacks to it; returns whether there were any. Raises
    OSError."""
    known = set(target.read_bytes().splitlines()) if target.exists() else set()
    lines = [line for line in source.read_bytes().splitlines() if line and line not in known]
    if lines:
        # The other's last line may be cut off.
        _append(target, b"\n".join([*([b""] if known else []), *lines, b""]))
    return bool(lines)


def _append(path: Path, line: bytes) -> None:
    private_files.make_folders(path.parent, path.parent)
    is_new = not path.exists()
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    opened = os.open(path, flags, private_files.FILE_MODE)
    try:
        os.write(opened, line)
        os.fsync(opened)
    finally:
        os.close(opened)
    if is_new:
        private_files.sync_folder(path.parent)
