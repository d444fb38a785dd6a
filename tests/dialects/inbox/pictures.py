"""A tiny picture for uploads: three pixels by two."""

import struct
import zlib


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 2, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\0\0\0\0" * 2))
    + _chunk(b"IEND", b"")
)
