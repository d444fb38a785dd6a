"""A whole backup: made, stored, verified, recorded; then older ones are removed.

`koine backup` and the scheduled backups of a serving process do the same.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from koine.kit.amounts import counted, size
from koine.kit.backup_rules import BackupRetention
from koine.kit.backup_settings import is_s3
from koine.kit.clock import SystemClock
from koine.kit.settings import Settings
from koine.kit.times import iso_ms
from koine.server.backup import info, prune
from koine.server.backup.create import back_up, backup_name
from koine.server.backup.info import BackupInfo
from koine.server.backup.manifest import BackupManifest, BadBackup
from koine.server.backup.place import data_scratch, open_place, open_s3
from koine.server.backup.record import record_created, record_verified
from koine.server.backup.s3_target import S3Target
from koine.server.backup.scratch import scratch_folder
from koine.server.backup.tar import read_manifest
from koine.server.backup.target import BackupTarget, FolderTarget
from koine.server.backup.verify import verify
from koine.store.backup import BackupError, NotVerified

SHOWN_DIFFERENCES = 20


class StoredBackupError(BackupError):
    """A backup is stored, but it differs, or older ones could not be removed."""


class BackupResult(Struct, frozen=True, kw_only=True):
    """A backup that was made: its path or URL, its size in bytes, whether it was
    verified, and the names of the older backups that were removed."""

    backup: str
    size_bytes: int
    verified: bool
    removed: list[str] = []


class Reports(Struct, frozen=True):
    """What is called with lines of text, for people, as the work goes on: `done` with what was
    done, `warned` with what went wrong and does not matter to the backup."""

    done: Callable[[str], None] = lambda _: None
    warned: Callable[[str], None] = lambda _: None


async def run_backup(
    settings: Settings,
    to: str,
    *,
    verified: bool = True,
    retention: BackupRetention | None = None,
    reports: Reports,
) -> BackupResult:
    """Back up to a place: a folder, a backup in one, or the same in an S3 store.

    `verified`: verify it. `retention` says which older backups of this server are kept there: only
    after the verification others are removed. Raises BackupError, StartupError, Unavailable; once
    the backup is stored StoredBackupError, and NotVerified if there is no way to verify it.
    """
    if not is_s3(to):
        path = await back_up(settings, to)
        stored = _Stored(FolderTarget(path.parent), path, read_manifest(path))
        return await _complete(settings, stored, verified, retention, reports)
    target, name = open_s3(settings, to)
    with data_scratch(settings) as folder:
        made = folder / (name or backup_name(iso_ms(SystemClock().now())))
        path = await back_up(settings, str(made))
        target.upload(path, path.name)
        stored = _Stored(target, path, read_manifest(path), _sha256(path))
        return await _complete(settings, stored, verified, retention, reports)


async def verify_place(settings: Settings, place: str, path: Path, folder: Path) -> BackupManifest:
    """Verify a backup by unpacking the file `path` into `folder`, and write that it was verified
    beside the one at `place`, of which it is, or is a copy. Raises BackupError."""
    try:
        manifest = await _without_difference(settings, path, folder)
    except NotVerified as error:
        raise BackupError(f"not verified: {error}") from None
    target, name = open_place(settings, place)
    known = _known(target, name, manifest, path.stat().st_size)
    target.write(info.info_name(name), info.encode(_verified_now(known)))
    return manifest


class _Stored(Struct, frozen=True):
    """A backup that is in its target: `path` is the file here, `sha256` (hex) is of it, "" where
    that file itself is what is stored."""

    target: BackupTarget
    path: Path
    manifest: BackupManifest
    sha256: str = ""

    @property
    def where(self) -> str:
        return self.target.where(self.path.name)


async def _complete(
    settings: Settings,
    stored: _Stored,
    verified: bool,
    retention: BackupRetention | None,
    reports: Reports,
) -> BackupResult:
    """Everything after the backup is stored."""
    length = stored.path.stat().st_size
    about = info.describe(stored.manifest, length, stored.sha256)
    reports.done(f"{stored.where}: {size(length)}")
    try:
        stored.target.write(info.info_name(stored.path.name), info.encode(about))
        _warn(reports, await record_created(settings, stored.path))
        if not verified:
            return BackupResult(backup=stored.where, size_bytes=length, verified=False)
        await _verify(settings, stored, about)
        reports.done(summary(stored.manifest))
        reports.done(outcome("can be restored"))
        _warn(reports, await record_verified(settings))
        removed = _prune(stored, retention, about.server, reports) if retention else []
    except NotVerified as error:
        raise NotVerified(f"{stored.where}: written, not verified: {error}") from None
    except BackupError as error:
        raise StoredBackupError(f"{stored.where}: {error}") from None
    except OSError as error:
        # Above all a disk that is full by now: tried again at once it would be fuller each time.
        reason = f"{error.filename or 'a file'}: {error.strerror or error}"
        raise StoredBackupError(f"{stored.where}: {reason}") from None
    return BackupResult(backup=stored.where, size_bytes=length, verified=True, removed=removed)


async def _verify(settings: Settings, stored: _Stored, about: BackupInfo) -> None:
    with scratch_folder(stored.path.parent) as folder:
        await _without_difference(settings, stored.path, folder)
    if isinstance(stored.target, S3Target):
        found = stored.target.sha256(stored.path.name)
        if found != about.sha256:
            raise BackupError("what is stored is not what was uploaded")
    stored.target.write(info.info_name(stored.path.name), info.encode(_verified_now(about)))


async def _without_difference(settings: Settings, path: Path, folder: Path) -> BackupManifest:
    try:
        manifest, wrong = await verify(settings, path, folder)
    except NotVerified:
        raise
    except (BackupError, BadBackup) as error:
        raise BackupError(str(error)) from None
    if wrong:
        raise BackupError(differ(wrong))
    return manifest


def _known(target: BackupTarget, name: str, manifest: BackupManifest, length: int) -> BackupInfo:
    """The info of a backup, which may have the digest; else that of its manifest."""
    text = target.read(info.info_name(name))
    known = info.decode(text) if text is not None else None
    if known is not None and known.size == length and known.created_at == manifest.created_at:
        return known
    return info.describe(manifest, length)


def _verified_now(about: BackupInfo) -> BackupInfo:
    return replace(about, verified_at=iso_ms(SystemClock().now()))


def _prune(stored: _Stored, retention: BackupRetention, server: str, reports: Reports) -> list[str]:
    """Remove what is not kept; the backup itself is good also where that fails."""
    try:
        removed = prune.prune(stored.target, retention, server, SystemClock().now())
    except BackupError as error:
        raise BackupError(f"it is verified, but older ones remain: {error}") from None
    for name in removed:
        reports.done(f"removed {stored.target.where(name)}")
    return removed


def summary(manifest: BackupManifest) -> str:
    """The content of a backup, for people to read."""
    stats = manifest.stats
    rows = ", ".join(f"{name} {count}" for name, count in stats.tables.items() if count)
    uploads = len(manifest.members) - 1
    lines = [
        f"made {manifest.created_at} by Koine {manifest.koine}, {manifest.kind}, at {stats.schema}",
        f"newest event {stats.position}, uploads {uploads}",
        f"rows: {rows or 'none'}",
    ]
    if manifest.deleted:
        lines.append(f"uploads deleted while it was made: {len(manifest.deleted)}")
    return "\n".join(lines)


def differ(wrong: list[str]) -> str:
    """The differences as a text of some lines: the first of them."""
    return "\n  ".join([counted(len(wrong), "difference"), *wrong[:SHOWN_DIFFERENCES]])


def outcome(what: str) -> str:
    """The sentence about a backup, or a database, in which nothing differs."""
    return f"every count and every conversation is as it was: it {what}"


def _warn(reports: Reports, reason: str) -> None:
    if reason:
        reports.warned(f"the time could not be written into the database: {reason}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
