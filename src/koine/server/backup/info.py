"""What is known of a backup without reading it: a small file beside it, koine-….tar.json.

It is written with the backup, and again when that was verified. A backup that has none,
as it is of an earlier version or was copied here alone, is described by its manifest.
"""

import re
from typing import Final

import msgspec
from msgspec import Struct

from koine.server.backup.manifest import BackupManifest

SUFFIX: Final = ".json"
LARGEST: Final = 64 * 1024
"""Bytes of the largest info file that is read."""
_OURS = re.compile(r"koine-\d{8}T\d{6}\.\d{3}Z\.tar", re.ASCII)


class BackupInfo(Struct, frozen=True, kw_only=True):
    """Of which server a backup is ("" if unknown), when it was made and by which Koine, the kind
    of its database, its size in bytes, its SHA-256 in hex ("" if it was not computed), and when it
    was last found without a difference. Times are ISO 8601."""

    server: str
    created_at: str
    koine: str
    kind: str
    size: int
    sha256: str = ""
    verified_at: str | None = None


def has_our_name(name: str) -> bool:
    """Whether this is a name that Koine gives to backups, not one that somebody typed."""
    return _OURS.fullmatch(name) is not None


def info_name(backup: str) -> str:
    """The name of the file about a backup."""
    return backup + SUFFIX


def describe(manifest: BackupManifest, size: int, sha256: str = "") -> BackupInfo:
    """The info of a backup with this manifest, which is not verified yet."""
    return BackupInfo(
        server=manifest.server,
        created_at=manifest.created_at,
        koine=manifest.koine,
        kind=manifest.kind,
        size=size,
        sha256=sha256,
    )


def encode(info: BackupInfo) -> bytes:
    """The JSON of an info."""
    return msgspec.json.format(msgspec.json.encode(info)) + b"\n"


def decode(text: bytes) -> BackupInfo | None:
    """Read the JSON of an info; None if it is none."""
    try:
        return msgspec.json.decode(text, type=BackupInfo)
    except msgspec.MsgspecError:
        return None
