"""Opens an archive, and reads the rows and files of its members. Its author may be hostile:
names, kinds, sizes and rows are checked, and no more than a member is in memory."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from koine.engine.archive import tar
from koine.engine.archive.format import (
    MAX_MEMBER,
    MAX_ROWS,
    ArchiveError,
    Head,
    Manifest,
    table_of,
)
from koine.engine.archive.sealing import SealedReader, is_sealed
from koine.engine.archive.tar import Member, Source
from koine.kit.digests import digest_of
from koine.model.tenant import Tenant
from koine.store.archive.columns import BY_NAME, TENANT
from koine.store.archive.rows import row_type

_GZIP = 31
"""The window bits that make zlib read the gzip format."""


class Contents(Struct, frozen=True):
    """What a verified archive has: the members with rows in their order, and where the files
    begin. `digest` is that of the manifest, and so of everything. `positions` are the lowest and
    the highest position in the event log, `max_number` is the highest number of a message."""

    head: Head
    manifest: Manifest
    digest: str
    rows: list[tuple[str, Member]]
    files_at: int
    positions: tuple[int, int]
    max_number: int


@contextmanager
def open_archive(path: Path, passphrase: str | None) -> Iterator[Source]:
    """Open an archive, encrypted or not. Raises ArchiveError for a wrong or missing passphrase."""
    with path.open("rb") as file:
        if not is_sealed(file):
            yield file
        elif passphrase is None:
            raise ArchiveError("it is encrypted: name the file with its --passphrase-file")
        else:
            yield SealedReader(file, passphrase)


def read_all(source: Source, member: Member, limit: int = MAX_MEMBER) -> bytes:
    """The bytes of a member that fits into memory. Raises ArchiveError."""
    if member.size > limit:
        raise ArchiveError(f"{member.name} is too large")
    return b"".join(tar.read_member(source, member))


def read_rows(source: Source, contents: Contents, table: str, member: Member) -> list[Any]:
    """The rows of a member that was verified. Raises ArchiveError if it was changed since."""
    packed = read_all(source, member)
    if digest_of(packed) != contents.manifest.members[member.name]:
        raise ArchiveError(f"{member.name} was changed while it was imported")
    return decode_rows(table, member.name, packed)


def decode_rows(table: str, name: str, packed: bytes) -> list[Any]:
    """As `read_rows`, from the bytes of the member `name`."""
    unpacking = zlib.decompressobj(_GZIP)
    try:
        lines = unpacking.decompress(packed, MAX_MEMBER)
    except zlib.error:
        raise ArchiveError(f"{name} is damaged") from None
    if not unpacking.eof or unpacking.unused_data:
        raise ArchiveError(f"{name} is damaged or too large")
    if lines.count(b"\n") > MAX_ROWS:
        raise ArchiveError(f"{name} has too many rows")
    try:
        rows: list[Any] = _decoders[table].decode_lines(lines)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise ArchiveError(f"{name} has a row that cannot be read: {error}") from None
    if b"\\u0000" in lines and any(_has_nul(row) for row in rows):
        raise ArchiveError(f"{name} has a text with U+0000, which no database can store")
    return rows


def read_tenant(source: Source, contents: Contents) -> Tenant:
    """The row of the tenant itself. Raises ArchiveError."""
    members = [member for table, member in contents.rows if table == TENANT.name]
    (tenant,) = [row for each in members for row in read_rows(source, contents, TENANT.name, each)]
    assert isinstance(tenant, Tenant)
    return tenant


def known_table(name: str) -> str | None:
    """The table whose rows the member of this name has, if it is one that this version knows."""
    table = table_of(name)
    return table if table in _decoders else None


def _has_nul(row: Any) -> bool:
    return any(isinstance(value, str) and "\0" in value for value in msgspec.structs.astuple(row))


_decoders: dict[str, msgspec.json.Decoder[Any]] = {
    TENANT.name: msgspec.json.Decoder(Tenant),
    **{name: msgspec.json.Decoder(row_type(table)) for name, table in BY_NAME.items()},
}
