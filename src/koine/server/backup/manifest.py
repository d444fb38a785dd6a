"""What an archive says of itself.

An archive is a tar file, readable by its owner alone:

    database            a SQLite file, or what pg_dump -Fc writes
    files/ab/cd/abcd…   the uploads, as in the data folder
    manifest.json       last, for it has the digest of each of the others
"""

from typing import Final

import msgspec
from msgspec import Struct

from koine.store.backup import DatabaseStats

FORMAT: Final = 1
DATABASE: Final = "database"
MANIFEST: Final = "manifest.json"


class BadArchive(Exception):
    """The archive cannot be believed; the message says what is wrong with it."""


class FileDigest(Struct, frozen=True):
    """One member: its size in bytes and its SHA-256, hex."""

    size: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """`kind` is of the database, `made_at` ISO 8601. `gone` are the keys of uploads that were
    deleted while the archive was made: the database in it has their rows."""

    format: int = FORMAT
    koine: str
    made_at: str
    kind: str
    facts: DatabaseStats
    parts: dict[str, FileDigest]
    gone: list[str]


class _Format(Struct):
    format: int
    koine: str = "unknown"


def encode(manifest: Manifest) -> bytes:
    """As it is written."""
    return msgspec.json.format(msgspec.json.encode(manifest))


def decode(text: bytes) -> Manifest:
    """As it is read. Raises BadArchive, also for the format of another Koine."""
    try:
        known = msgspec.json.decode(text, type=_Format)
        if known.format != FORMAT:
            raise BadArchive(
                f"an archive of format {known.format}, made by Koine {known.koine}: "
                f"this Koine reads format {FORMAT}"
            )
        return msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError:
        raise BadArchive("its manifest cannot be read") from None
