"""The backups of a target: what is there, of which server, and whether it was verified."""

from msgspec import Struct

from koine.kit.times import parse_iso
from koine.server.backup import info
from koine.server.backup.info import BackupInfo
from koine.server.backup.target import BackupTarget


class StoredBackup(Struct, frozen=True, kw_only=True):
    """One backup: its name, path or URL, size in bytes and info, None if nothing is known of it:
    it is damaged, cut off, or in an S3 store without its info file."""

    name: str
    where: str
    size: int
    info: BackupInfo | None

    @property
    def created_at(self) -> int:
        """When it was made (µs), 0 if unknown."""
        try:
            return parse_iso(self.info.created_at) if self.info else 0
        except ValueError:
            return 0

    @property
    def verified_at(self) -> int | None:
        """When it was last verified (µs); None for never, or unknown."""
        try:
            text = self.info.verified_at if self.info else None
            return None if text is None else parse_iso(text)
        except ValueError:
            return None


def list_backups(target: BackupTarget) -> list[StoredBackup]:
    """The backups of a target, newest first, those of which nothing is known last. A file counts
    as a backup if there is an info file or a manifest, or if it has a name that Koine gives. Raises
    BackupError."""
    sizes = target.sizes()
    found = [
        _stored(target, name, size, sizes) for name, size in sizes.items() if name.endswith(".tar")
    ]
    known = [each for each in found if each.info or info.has_our_name(each.name)]
    return sorted(known, key=lambda each: (each.created_at, each.name), reverse=True)


def find(target: BackupTarget, name: str) -> StoredBackup | None:
    """The backup of this name, None if there is none. Raises BackupError."""
    sizes = target.sizes()
    return _stored(target, name, sizes[name], sizes) if name in sizes else None


def _stored(target: BackupTarget, name: str, size: int, sizes: dict[str, int]) -> StoredBackup:
    return StoredBackup(
        name=name, where=target.where(name), size=size, info=_info(target, name, size, sizes)
    )


def _info(target: BackupTarget, name: str, size: int, sizes: dict[str, int]) -> BackupInfo | None:
    """The info of a backup: of its info file, if that is about a file of this size."""
    about = info.info_name(name)
    text = target.read(about) if about in sizes else None
    known = info.decode(text) if text is not None else None
    if known is not None and known.size == size:
        return known
    manifest = target.manifest(name)
    return None if manifest is None else info.describe(manifest, size)
