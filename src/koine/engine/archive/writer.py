"""Writes the members of an archive, one after the other, with their digests."""

import gzip
import hashlib
from collections import Counter
from pathlib import Path

import msgspec

from koine.engine.archive import tar
from koine.engine.archive.format import (
    CHUNK_BYTES,
    FILES_PER_LIST,
    HEAD,
    MANIFEST,
    Head,
    LeftOut,
    Manifest,
    rows_name,
)
from koine.engine.archive.tar import Sink
from koine.kit.digests import Digest, digest_of

_GZIP_LEVEL = 3
"""Twice as fast as the default, for files a tenth larger."""


class ArchiveWriter:
    """Its methods block: call them on a thread. Rows of a table come together, then the files."""

    def __init__(self, sink: Sink, head: Head, time: int) -> None:
        """`time` is that of the members, in seconds."""
        self._sink = sink
        self._head = head
        self._time = time
        self._members: dict[str, Digest] = {}
        self._rows: Counter[str] = Counter()
        self._numbers: Counter[str] = Counter()
        self._buffer = bytearray()
        self._checksums: list[str] = []
        self._lists = 0
        self._files = self._file_bytes = self._deleted = 0
        self._add(HEAD, msgspec.json.format(msgspec.json.encode(head)) + b"\n")

    def add_rows(self, table: str, lines: bytes, count: int) -> None:
        """Add rows as JSON lines."""
        self._rows[table] += count
        self._buffer += lines
        if len(self._buffer) >= CHUNK_BYTES:
            self.end_rows(table)

    def end_rows(self, table: str) -> None:
        """Write the rows of a table that are still in memory."""
        if self._buffer:
            self._numbers[table] += 1
            packed = gzip.compress(bytes(self._buffer), _GZIP_LEVEL, mtime=0)
            self._add(rows_name(table, self._numbers[table]), packed)
            self._buffer.clear()

    def add_file(self, key: str, path: Path) -> int:
        """Add the bytes of an upload; returns how many, -1 if it was deleted meanwhile."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            self._deleted += 1
            return -1
        name, digest = f"files/{key}", hashlib.sha256()
        with file:
            size = path.stat().st_size
            self._sink.write(tar.header(name, size, self._time))
            left = size
            while left:
                piece = file.read(min(left, tar.READ_BYTES))
                if not piece:
                    raise OSError(f"{path} became shorter while it was read")
                digest.update(piece)
                self._sink.write(piece)
                left -= len(piece)
            self._sink.write(tar.padding(size))
        self._files += 1
        self._file_bytes += size
        self._checksums.append(f"{digest.hexdigest()}  {name}\n")
        if len(self._checksums) == FILES_PER_LIST:
            self._end_files()
        return size

    def finish(self, left_out: list[LeftOut]) -> Manifest:
        """Add the manifest, as the last member."""
        self._end_files()
        manifest = Manifest(
            head=self._head,
            rows=dict(self._rows),
            files=self._files,
            file_bytes=self._file_bytes,
            deleted=self._deleted,
            left_out=left_out,
            members=self._members.copy(),
        )
        self._add(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        self._sink.write(tar.end())
        return manifest

    def _end_files(self) -> None:
        if self._checksums:
            self._lists += 1
            self._add(f"checksums/{self._lists:06}.txt", "".join(self._checksums).encode())
            self._checksums.clear()

    def _add(self, name: str, data: bytes) -> None:
        self._members[name] = digest_of(data)
        self._sink.write(tar.header(name, len(data), self._time))
        self._sink.write(data)
        self._sink.write(tar.padding(len(data)))
