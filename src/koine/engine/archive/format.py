"""The format of an archive (docs/tenant-archive.md): its names, its manifest, its bounds.

An archive is a tar file:

    koine-tenant.json         first: whose archive it is, and of which Koine
    rows/messages/000001.ndjson.gz      the rows of a table, an object in each line
    files/abcd…               the bytes of an upload, by its key
    checksums/000001.txt      the SHA-256 of the files before it
    manifest.json             last: how many rows there are, and the SHA-256 of every other member
"""

import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from koine.kit.digests import Digest

FORMAT: Final = 1
HEAD: Final = "koine-tenant.json"
MANIFEST: Final = "manifest.json"
CHUNK_BYTES: Final = 4 * 1024 * 1024
"""The rows of a member are at least so many bytes of JSON, but for the last of a table."""
MAX_MEMBER: Final = 64 * 1024 * 1024
"""Bytes of a member that is read into memory, compressed or not."""
MAX_MANIFEST: Final = 16 * 1024 * 1024
"""Bytes of the manifest."""
MAX_MEMBERS: Final = 100_000
"""Members that the manifest lists: enough for 400 GB of rows and 100,000,000 files."""
MAX_ROWS: Final = 200_000
"""Rows of a member: more than fit into `CHUNK_BYTES`, however short they are."""
FILES_PER_LIST: Final = 1000
"""Files whose checksums are in one member."""
_ROWS = re.compile(r"rows/([a-z_]{1,50})/([0-9]{6})\.ndjson\.gz")
_WORD = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:+-]{1,60}$")]
_REASON = Annotated[str, Meta(pattern=r"^[ -~]{1,200}$")]
_COUNT = Annotated[int, Meta(ge=0, le=2**53 - 1)]
_FILE = re.compile(r"files/([A-Za-z0-9_-]{32})")
_CHECKSUMS = re.compile(r"checksums/[0-9]{6}\.txt")


class ArchiveError(Exception):
    """The archive is damaged, of another format, or cannot be imported here; the message says why
    and what to do."""


class TenantName(Struct, frozen=True):
    """The tenant of an archive."""

    id: str
    number: int
    slug: str
    name: str


class Head(Struct, frozen=True, kw_only=True):
    """The first member. `koine` is the version that wrote it at `created_at` (ISO 8601), with
    tables of the revision `schema`. `position` is that of the newest event on that server, and up
    to `planned` every event was queued for the webhooks. `secrets` is whether it has the secrets
    that only that server's key opens."""

    format: int = FORMAT
    koine: _WORD
    schema: _WORD
    created_at: _WORD
    tenant: TenantName
    position: _COUNT
    planned: _COUNT
    secrets: bool


class LeftOut(Struct, frozen=True):
    """A secret that is not in the archive: which column of which row, and why."""

    table: _WORD
    column: _WORD
    id: _WORD
    reason: _REASON


class Manifest(Struct, frozen=True, kw_only=True):
    """The last member. `rows` counts those of each table; `members` has a digest for each member
    but the files and this; `deleted` counts the uploads that were deleted during the export, whose
    rows are here."""

    format: int = FORMAT
    head: Head
    rows: dict[str, int]
    files: _COUNT
    file_bytes: _COUNT
    deleted: _COUNT
    left_out: list[LeftOut]
    members: dict[str, Digest]


class _Format(Struct):
    format: int
    koine: _WORD = "unknown"


def decode_head(text: bytes) -> Head:
    """Read the first member. Raises ArchiveError, also for another format than FORMAT."""
    try:
        found = msgspec.json.decode(text, type=_Format)
        if found.format != FORMAT:
            raise ArchiveError(
                f"it has format {found.format} (Koine {found.koine}), "
                f"and this version reads format {FORMAT}"
            )
        return msgspec.json.decode(text, type=Head)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise ArchiveError(f"{HEAD} cannot be read") from None


def decode_manifest(text: bytes) -> Manifest:
    """Read the last member. Raises ArchiveError."""
    try:
        return msgspec.json.decode(text, type=Manifest)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise ArchiveError(f"{MANIFEST} cannot be read") from None


def rows_name(table: str, number: int) -> str:
    """The name of the member with rows of a table; the first has number 1."""
    return f"rows/{table}/{number:06}.ndjson.gz"


def table_of(name: str) -> str | None:
    """The table whose rows the member of this name has, or None."""
    found = _ROWS.fullmatch(name)
    return found[1] if found else None


def file_key(name: str) -> str | None:
    """The key of the upload whose bytes the member of this name has, or None."""
    found = _FILE.fullmatch(name)
    return found[1] if found else None


def is_checksums(name: str) -> bool:
    """Whether the member of this name has the checksums of files."""
    return _CHECKSUMS.fullmatch(name) is not None
