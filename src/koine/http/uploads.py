"""A file of a multipart body: in memory while it is small, else on disk."""

from __future__ import annotations

import asyncio
import hashlib
from tempfile import SpooledTemporaryFile

_CHUNK = 64 * 1024
MAX_IN_MEMORY = 64 * 1024
"""Bytes of a file that are held in memory; of a larger one, none."""


class SpooledUpload:
    """`Upload` of http/request.py. `size` is the bytes written."""

    __slots__ = ("_file", "content_type", "field", "name", "size")

    def __init__(self, field: str, name: str, content_type: str) -> None:
        self.field = field
        self.name = name
        self.content_type = content_type
        self.size = 0
        self._file: SpooledTemporaryFile[bytes] | None = None

    async def write(self, data: bytes) -> None:
        """Add bytes at the end."""
        if self._file is None:
            self._file = SpooledTemporaryFile(max_size=MAX_IN_MEMORY)  # noqa: SIM115 — `close` does it
        if self.size <= MAX_IN_MEMORY:
            self._file.write(data)
        else:
            await asyncio.to_thread(self._file.write, data)

    async def read(self, size: int = -1) -> bytes:
        """Give the next `size` bytes (all that is left by default)."""
        if self._file is None:
            return b""
        if self.size <= MAX_IN_MEMORY:
            return self._file.read(size)
        return await asyncio.to_thread(self._file.read, size)

    async def rewind(self) -> None:
        """Read from the start again."""
        if self._file is not None:
            await asyncio.to_thread(self._file.seek, 0)

    async def digest(self) -> bytes:
        """Give name, type and content's SHA-256; the next read begins at the start again."""
        sha = hashlib.sha256(f"{self.field}\0{self.name}\0{self.content_type}\0".encode())
        while chunk := await self.read(_CHUNK):
            sha.update(chunk)
        await self.rewind()
        return sha.digest()

    async def close(self) -> None:
        """Delete the file."""
        if self._file is not None:
            self._file.close()
