"""Tar files as archives have them: regular members with short names, one after the other.

The standard library's reader believes a file about the sizes of its extended headers and keeps
every header in memory. This one reads what is written here and nothing else. Any tar program reads
it too.
"""

import re
import tarfile
from collections.abc import Iterator
from typing import Protocol

from msgspec import Struct

from koine.engine.archive.format import ArchiveError

BLOCK = 512
_END = bytes(BLOCK * 2)
_NAME = re.compile(r"[A-Za-z0-9_./-]{1,100}")
_MAX_REST = 20 * BLOCK
READ_BYTES = 1 << 20


class Sink(Protocol):
    """What an archive is written to."""

    def write(self, data: bytes, /) -> object:
        """Write all of the bytes."""


class Source(Protocol):
    """What an archive is read from."""

    def read(self, size: int, /) -> bytes:
        """Read at most `size` bytes; fewer only at the end."""

    def seek(self, offset: int, /) -> object:
        """Continue at this offset."""


class Member(Struct, frozen=True):
    """A member: its bytes are `size` bytes at `offset` of the source."""

    name: str
    size: int
    offset: int


def header(name: str, size: int, time: int) -> bytes:
    """The header of a member, readable by its owner alone; `time` in seconds."""
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, time
    return info.tobuf(tarfile.USTAR_FORMAT)


def padding(size: int) -> bytes:
    """What follows the bytes of a member, up to a whole block."""
    return bytes(-size % BLOCK)


def end() -> bytes:
    """What follows the last member."""
    return _END


def members(source: Source, offset: int = 0) -> Iterator[Member]:
    """The members from `offset`, where a header is; the bytes of each may be read meanwhile. Raises
    ArchiveError for anything but a regular file, for a file that is cut off, and for one in which
    something comes after the end."""
    while True:
        source.seek(offset)
        block = source.read(BLOCK)
        if block == bytes(BLOCK):
            # Other programs fill the last 10 KiB with zeros.
            rest = source.read(_MAX_REST + 1)
            if len(rest) > _MAX_REST or rest.strip(b"\0"):
                raise ArchiveError("it has something after its end")
            return
        member = _member(block, offset + BLOCK)
        yield member
        offset = member.offset + member.size + len(padding(member.size))


def read_member(source: Source, member: Member) -> Iterator[bytes]:
    """The bytes of a member, in pieces. Raises ArchiveError if they are cut off."""
    source.seek(member.offset)
    left = member.size
    while left:
        piece = source.read(min(left, READ_BYTES))
        if not piece:
            raise ArchiveError(f"it is cut off within {member.name}")
        left -= len(piece)
        yield piece


def _member(block: bytes, offset: int) -> Member:
    if len(block) < BLOCK:
        raise ArchiveError("it is cut off, or no archive of a tenant")
    try:
        info = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError, ValueError):
        raise ArchiveError("it is damaged, or no archive of a tenant") from None
    if info.type != tarfile.REGTYPE or info.size < 0 or not _NAME.fullmatch(info.name):
        raise ArchiveError(f"it contains {info.name!r}, which is no part of a tenant's archive")
    return Member(info.name, info.size, offset)
