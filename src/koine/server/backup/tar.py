"""Backups on disk. They are written under a temporary name and then renamed; one that is read may
be damaged or malicious, so its names, types and sizes are checked."""

import hashlib
import io
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from koine.kit import private_files
from koine.kit.digests import Digest, difference
from koine.server.backup.manifest import (
    DATABASE,
    MANIFEST,
    BackupManifest,
    BadBackup,
    decode,
    encode,
)

CHUNK = 1 << 20
_NAMES = re.compile(rf"{DATABASE}|{MANIFEST}|files/[\w-]{{2}}/[\w-]{{2}}/[\w-]{{32}}", re.ASCII)
_LARGEST_MANIFEST = 1 << 30
_TAIL = 1 << 16


class BackupWriter:
    """Writes a backup. `members` has the digests of what was added so far."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.members: dict[str, Digest] = {}

    def add(self, name: str, file: IO[bytes]) -> None:
        """Add a file as the member `name`."""
        hashing = _Hashing(file)
        info = _member(name, os.fstat(file.fileno()).st_size)
        self._tar.addfile(info, hashing)
        self.members[name] = Digest(info.size, hashing.digest.hexdigest())

    def finish(self, manifest: BackupManifest) -> None:
        """Add the manifest, as the last member."""
        text = encode(manifest)
        self._tar.addfile(_member(MANIFEST, len(text)), io.BytesIO(text))


class _Hashing:
    """A file that adds the bytes that are read to a digest."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        chunk = self._file.read(size)
        self.digest.update(chunk)
        return chunk


@contextmanager
def write_backup(path: Path) -> Iterator[BackupWriter]:
    """Create a backup at `path`: complete and synced when the block ends, absent if it raises.

    Raises FileExistsError if there is a file by then: none is overwritten.
    """
    with (
        private_files.complete_or_absent(path) as out,
        tarfile.open(fileobj=out, mode="w") as tar,
    ):
        yield BackupWriter(tar)


def unpack(path: Path, folder: Path) -> BackupManifest:
    """Unpack a backup into a folder and check the digest of each member. Raises BadBackup."""
    found: dict[str, Digest] = {}
    manifest = None
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                if not member.isreg() or not _NAMES.fullmatch(member.name):
                    raise BadBackup(f"it contains {member.name!r}, which is not a part of a backup")
                file = tar.extractfile(member)
                assert file is not None, "a regular file"
                if member.name == MANIFEST:
                    manifest = decode(file.read(_LARGEST_MANIFEST))
                else:
                    found[member.name] = _unpack(file, folder / member.name)
    except (tarfile.TarError, EOFError) as error:
        raise BadBackup(f"it is damaged, cut off or not a backup: {error}") from None
    if manifest is None:
        raise BadBackup("it has no manifest: it is cut off or not a backup")
    if reason := difference(manifest.members, found):
        raise BadBackup(reason)
    return manifest


def read_manifest(path: Path) -> BackupManifest:
    """The manifest of a backup, read from its end: nothing else of it is read or checked. Raises
    BadBackup, OSError."""
    with path.open("rb") as file:
        if not file.read(tarfile.BLOCKSIZE).startswith(DATABASE.encode() + b"\0"):
            raise BadBackup("it does not begin with a database: it is no backup")
        size = file.seek(0, os.SEEK_END)
        tail = _TAIL
        while True:
            tail = min(tail, size, _LARGEST_MANIFEST)
            start = (size - tail + tarfile.BLOCKSIZE - 1) // tarfile.BLOCKSIZE * tarfile.BLOCKSIZE
            file.seek(start)
            if (found := _last_manifest(file.read(tail))) is not None:
                return decode(found)
            if tail in (size, _LARGEST_MANIFEST):
                raise BadBackup("it has no manifest: it is cut off or not a backup")
            tail *= 4


def _last_manifest(tail: bytes) -> bytes | None:
    """The manifest in the last blocks of a backup. No text in it looks like its header: JSON has
    no zero bytes."""
    at = len(tail)
    while (at := tail.rfind(MANIFEST.encode() + b"\0", 0, at)) >= 0:
        if at % tarfile.BLOCKSIZE:
            continue
        try:
            header = tail[at : at + tarfile.BLOCKSIZE]
            member = tarfile.TarInfo.frombuf(header, tarfile.ENCODING, "surrogateescape")
        except tarfile.HeaderError:
            continue
        begins = at + tarfile.BLOCKSIZE
        return tail[begins : begins + member.size]
    return None


def _member(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info


def _unpack(file: IO[bytes], target: Path) -> Digest:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with target.open("xb") as out:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            out.write(chunk)
    return Digest(size, digest.hexdigest())
