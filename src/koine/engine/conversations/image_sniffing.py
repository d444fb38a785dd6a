"""What kind of image some bytes begin, and how large it is; nothing is ever decoded."""

from msgspec import Struct

HEAD = 256 * 1024
"""Bytes of a file worth looking at: a photograph's size may stand behind its thumbnail."""

# Frames of a JPEG that carry its size; the others among C0 to CF are tables.
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})

# The lengths that the header behind a BMP's "BM" has had.
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})


class Image(Struct, frozen=True):
    """A media type, with width and height in pixels or None where the header does not tell."""

    media: str
    width: int | None = None
    height: int | None = None


def sniff_image(head: bytes) -> Image | None:
    """The PNG, JPEG, GIF, WebP or BMP that `head` begins, by its magic bytes; None for all else."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _sized("image/png", _png(head))
    if head.startswith(b"\xff\xd8\xff"):
        return _sized("image/jpeg", _jpeg(head))
    if head[:6] in (b"GIF87a", b"GIF89a"):
        size = (_little(head[6:8]), _little(head[8:10])) if len(head) >= 10 else None
        return _sized("image/gif", size)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _sized("image/webp", _webp(head))
    if head.startswith(b"BM") and _little(head[14:18]) in _BMP_HEADERS:
        return _sized("image/bmp", _bmp(head))
    return None


def _sized(media: str, size: tuple[int, int] | None) -> Image:
    return Image(media, *size) if size and all(size) else Image(media)


def _png(head: bytes) -> tuple[int, int] | None:
    if head[12:16] != b"IHDR" or len(head) < 24:
        return None
    return _big(head[16:20]), _big(head[20:24])


def _jpeg(head: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker, length = head[at + 1], _big(head[at + 2 : at + 4])
        if marker in _JPEG_FRAMES:
            return _big(head[at + 7 : at + 9]), _big(head[at + 5 : at + 7])
        if length < 2:
            return None
        at += 2 + length
    return None


def _webp(head: bytes) -> tuple[int, int] | None:
    form = head[12:16]
    if len(head) < 30:
        return None
    if form == b"VP8X":
        return _little(head[24:27]) + 1, _little(head[27:30]) + 1
    if form == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        return _little(head[26:28]) & 0x3FFF, _little(head[28:30]) & 0x3FFF
    if form == b"VP8L" and head[20] == 0x2F:
        bits = _little(head[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


def _bmp(head: bytes) -> tuple[int, int] | None:
    if len(head) < 26:
        return None
    if _little(head[14:18]) == 12:
        return _little(head[18:20]), _little(head[20:22])
    # A height below zero: the rows are stored from the top.
    signed = int.from_bytes(head[22:26], "little", signed=True)
    return _little(head[18:22]), abs(signed)


def _big(part: bytes) -> int:
    return int.from_bytes(part, "big")


def _little(part: bytes) -> int:
    return int.from_bytes(part, "little")
