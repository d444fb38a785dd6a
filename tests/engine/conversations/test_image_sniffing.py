"""The size of an image is read from its header; invalid bytes have none."""

import pytest

from koine.engine.conversations.image_sniffing import Image, sniff_image

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big")
GIF = b"GIF89a" + (640).to_bytes(2, "little") + (480).to_bytes(2, "little")
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc4\x00\x03x\xff\xc0\x00\x11\x08"
    + (480).to_bytes(2, "big") + (640).to_bytes(2, "big") + b"\x03"
)  # fmt: skip
WEBP = b"RIFF\0\0\0\0WEBP"
VP8X = (
    WEBP
    + b"VP8X"
    + b"\x0a\0\0\0"
    + b"\0\0\0\0"
    + (639).to_bytes(3, "little")
    + (479).to_bytes(3, "little")
)
VP8 = (
    WEBP
    + b"VP8 \0\0\0\0\0\0\0\x9d\x01\x2a"
    + (640).to_bytes(2, "little")
    + (480).to_bytes(2, "little")
)
VP8L = WEBP + b"VP8L\0\0\0\0\x2f" + (639 | 479 << 14).to_bytes(4, "little") + b"\0" * 8


@pytest.mark.parametrize(
    ("head", "media"),
    [(PNG, "png"), (GIF, "gif"), (JPEG, "jpeg"), (VP8X, "webp"), (VP8, "webp"), (VP8L, "webp")],
)
def test_a_size_is_read(head: bytes, media: str) -> None:
    assert sniff_image(head) == Image(f"image/{media}", 640, 480)


@pytest.mark.parametrize("head", [PNG, GIF, JPEG, VP8X, VP8, VP8L])
def test_a_truncated_image_has_no_size_or_is_no_image(head: bytes) -> None:
    for end in range(len(head) - 3):
        found = sniff_image(head[:end])
        assert found is None or (found.width, found.height) in ((None, None), (640, 480))


@pytest.mark.parametrize("head", [b"", b"<svg", b"%PDF-1.7", b"RIFF\0\0\0\0WAVE", b"BM\0\0"])
def test_other_bytes_are_no_image(head: bytes) -> None:
    assert sniff_image(head) is None


def test_a_size_of_zero_is_no_size() -> None:
    assert sniff_image(PNG[:16] + b"\0" * 8) == Image("image/png")
