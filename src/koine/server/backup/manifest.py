"""The manifest of an archive, by which it is verified.

An archive is a tar file that only its owner may read:

    database            a SQLite file, or a dump of pg_dump -Fc
    files/ab/cd/abcd…   the uploads, with the paths of the data folder
    manifest.json       last, because it contains the digests of all other members
"""

from typing import Final

import msgspec
from msgspec import Struct, field

from koine.store.backup import DatabaseStats

FORMAT: Final = 1
DATABASE: Final = "database"
MANIFEST: Final = "manifest.json"


class BadArchive(Exception):
    """The archive is damaged or of another version; the message says what is wrong."""


class FileDigest(Struct, frozen=True):
    """The size of a member in bytes, and its SHA-256 in hex."""

    size: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """`koine` is the version that made the archive at `created_at` (ISO 8601), `kind` that of the
    database, `server` the id of the server that it is of ("" in archives of earlier versions, and
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
    members: dict[str, FileDigest] = field(name="parts")
    deleted: list[str] = field(name="gone")


class _Format(Struct):
    format: int
    koine: str = "unknown"


def encode(manifest: Manifest) -> bytes:
    """The JSON of a manifest, indented."""
    return msgspec.json.format(msgspec.json.encode(manifest))


def decode(text: bytes) -> Manifest:
    """Read the JSON of a manifest. Raises BadArchive, also for another format than FORMAT."""
    try:
        head = msgspec.json.decode(text, type=_Format)
        if head.format != FORMAT:
            raise BadArchive(
                f"the archive has format {head.format} (Koine {head.koine}): "
                f"this version reads format {FORMAT}"
            )
        return msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError:
        raise BadArchive("the manifest cannot be read") from None
