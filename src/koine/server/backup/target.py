"""Where backups are kept: a folder, or a prefix of an S3 store (`s3_target`)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from koine.kit import private_files
from koine.server.backup.info import LARGEST
from koine.server.backup.manifest import BackupManifest, BadBackup
from koine.server.backup.tar import read_manifest
from koine.store.backup import BackupError


class BackupTarget(Protocol):
    """A place for backups and their info files. All methods raise BackupError, with a reason
    that has no secret in it."""

    def where(self, name: str) -> str:
        """The path or URL of a file, for people to read."""

    def sizes(self) -> dict[str, int]:
        """The bytes of each file by its name; folders in it are left out."""

    def read(self, name: str) -> bytes | None:
        """A small file; None if there is none, or it is large."""

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, in place of the one there is."""

    def delete(self, name: str) -> None:
        """Delete a file. It may be gone already."""

    def manifest(self, name: str) -> BackupManifest | None:
        """The manifest of a backup; None where that would mean reading all of it, and for a file
        that is no backup."""


class FolderTarget:
    """A folder of this machine, or one that is mounted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def where(self, name: str) -> str:
        """The path of the file."""
        return str(self._folder / name)

    def sizes(self) -> dict[str, int]:
        """The files of the folder."""
        with self._failures():
            if not self._folder.is_dir():
                raise BackupError(f"the folder {self._folder} does not exist")
            files = [each for each in self._folder.iterdir() if each.is_file()]
            return {each.name: each.stat().st_size for each in sorted(files)}

    def read(self, name: str) -> bytes | None:
        """Read the file."""
        with self._failures():
            try:
                with (self._folder / name).open("rb") as file:
                    content = file.read(LARGEST + 1)
            except FileNotFoundError:
                return None
            return content if len(content) <= LARGEST else None

    def write(self, name: str, content: bytes) -> None:
        """Write a file that only its owner reads."""
        path = self._folder / name
        part = path.with_name(f".{name}.part")
        with self._failures():
            part.unlink(missing_ok=True)
            with private_files.create(part) as out:
                out.write(content)
            part.replace(path)

    def delete(self, name: str) -> None:
        """Delete the file."""
        with self._failures():
            (self._folder / name).unlink(missing_ok=True)

    def manifest(self, name: str) -> BackupManifest | None:
        """Read the manifest, which is at the end of the backup."""
        with self._failures():
            try:
                return read_manifest(self._folder / name)
            except (BadBackup, FileNotFoundError):
                return None

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BackupError(f"{error.filename or self._folder}: {error.strerror}") from None
