"""Archives on disk: written to a temporary name and then renamed, read without trust."""

import hashlib
import io
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from koine.server.backup.manifest import (
    DATABASE,
    MANIFEST,
    BadArchive,
    FileDigest,
    Manifest,
    decode,
    encode,
)

CHUNK = 1 << 20
_NAMES = re.compile(rf"{DATABASE}|{MANIFEST}|files/[\w-]{{2}}/[\w-]{{2}}/[\w-]{{32}}", re.ASCII)
_LARGEST_MANIFEST = 1 << 30


class ArchiveWriter:
    """An archive in the making. `parts` are the members so far."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.parts: dict[str, FileDigest] = {}

    def add(self, name: str, file: IO[bytes]) -> None:
        """Add what is in a file."""
        hashing = _Hashing(file)
        info = _member(name, os.fstat(file.fileno()).st_size)
        self._tar.addfile(info, hashing)
        self.parts[name] = FileDigest(info.size, hashing.digest.hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """Add the manifest; nothing comes after it."""
        text = encode(manifest)
        self._tar.addfile(_member(MANIFEST, len(text)), io.BytesIO(text))


class _Hashing:
    """A file whose bytes are digested as they are read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        chunk = self._file.read(size)
        self.digest.update(chunk)
        return chunk


@contextmanager
def write_archive(path: Path) -> Iterator[ArchiveWriter]:
    """An archive that is there, whole and on disk, when the context ends well; else nothing is."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    opened = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(opened, "wb") as out:
            with tarfile.open(fileobj=out, mode="w") as tar:
                yield ArchiveWriter(tar)
            out.flush()
            os.fsync(out.fileno())
        part.rename(path)
        sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def unpack(path: Path, folder: Path) -> Manifest:
    """Unpack an archive into a folder and compare each part with its digest. Raises BadArchive."""
    found: dict[str, FileDigest] = {}
    manifest = None
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                if not member.isreg() or not _NAMES.fullmatch(member.name):
                    raise BadArchive(f"it has a part {member.name!r}, which no archive of ours has")
                file = tar.extractfile(member)
                assert file is not None, "a regular file"
                if member.name == MANIFEST:
                    manifest = decode(file.read(_LARGEST_MANIFEST))
                else:
                    found[member.name] = _unpack(file, folder / member.name)
    except (tarfile.TarError, EOFError) as error:
        raise BadArchive(f"not an archive, or damaged, or cut off: {error}") from None
    if manifest is None:
        raise BadArchive("it has no manifest: it was cut off, or is no archive")
    _check_parts(manifest.parts, found)
    return manifest


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _member(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info


def _unpack(file: IO[bytes], target: Path) -> FileDigest:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with target.open("xb") as out:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            out.write(chunk)
    return FileDigest(size, digest.hexdigest())


def _check_parts(said: dict[str, FileDigest], found: dict[str, FileDigest]) -> None:
    for name in sorted(said.keys() | found.keys()):
        if name not in found:
            raise BadArchive(f"it lacks {name}")
        if name not in said:
            raise BadArchive(f"its manifest does not know {name}")
        if said[name] != found[name]:
            raise BadArchive(f"{name} is not what was written: its digest differs")
