"""The manifest of a backup, by which it is verified.

A backup is a tar file that only its owner may read:

    database            a SQLite file, or a dump of pg_dump -Fc
    files/ab/cd/abcd…   the uploads, with the paths of the data folder
    manifest.json       last, because it contains the digests of all other members
"""

from typing import Final

import msgspec
from msgspec import Struct, field

from koine.kit.digests import Digest
from koine.store.backup import DatabaseStats

FORMAT: Final = 1
DATABASE: Final = "database"
MANIFEST: Final = "manifest.json"


class BadBackup(Exception):
    """The backup is damaged or of another version; the message says what is wrong."""


class BackupManifest(Struct, frozen=True, kw_only=True):
    """`koine` is the version that made the backup at `created_at` (ISO 8601), `kind` that of the
    database, `server` the id of the server that it is of ("" in backups of earlier versions, and
    where the database could not be written). `members` has a digest for each other member by its
    name. `deleted` are the keys of uploads that were deleted during the backup, whose rows are in
    the database all the same.

    The names in JSON are those of format 1.
    """

    format: int = FORMAT
    koine: str
    created_at: str = field(name="made_at")
    kind: str
    server: str = ""
    stats: DatabaseStats = field(name="facts")
    members: dict[str, Digest] = field(name="parts")
    deleted: list[str] = field(name="gone")


class _Format(Struct):
    format: int
    koine: str = "unknown"


def encode(manifest: BackupManifest) -> bytes:
    """The JSON of a manifest, indented."""
    return msgspec.json.format(msgspec.json.encode(manifest))


def decode(text: bytes) -> BackupManifest:
    """Read the JSON of a manifest. Raises BadBackup, also for another format than FORMAT."""
    try:
        head = msgspec.json.decode(text, type=_Format)
        if head.format != FORMAT:
            raise BadBackup(
                f"the backup has format {head.format} (Koine {head.koine}): "
                f"this version reads format {FORMAT}"
            )
        return msgspec.json.decode(text, type=BackupManifest)
    except msgspec.MsgspecError:
        raise BadBackup("the manifest cannot be read") from None
