"""The media types of audio and video, by their first bytes."""

import pytest

from koine.engine.conversations.image_sniffing import Image, sniff_image
from koine.engine.conversations.media_sniffing import sniff_media

PAGE = b"OggS" + bytes(24)


@pytest.mark.parametrize(
    ("head", "media"),
    [
        (PAGE + b"\x01vorbis", "audio/ogg"),
        (PAGE + b"OpusHead", "audio/ogg"),
        (PAGE + b"\x80theora", "video/ogg"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\0\0\0\0AVI LIST", "video/x-msvideo"),
        (b"fLaC\0", "audio/flac"),
        (b"\0\0\0\x20ftypisom", "video/mp4"),
        (b"\0\0\0\x20ftypM4A ", "audio/mp4"),
        (b"\0\0\0\x14ftypqt  ", "video/quicktime"),
        (b"\x1aE\xdf\xa3\x9fB\x82\x84webm", "video/webm"),
        (b"\0\0\0\x20ftypheic", None),
        (b"RIFF\0\0\0\0WEBP", None),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_the_media_type_is_found_by_the_first_bytes(head: bytes, media: str | None) -> None:
    assert sniff_media(head) == media


def test_a_bmp_is_an_image_with_its_size() -> None:
    size = (640).to_bytes(4, "little") + (-480).to_bytes(4, "little", signed=True)
    head = b"BM" + bytes(12) + (40).to_bytes(4, "little") + size
    assert sniff_image(head) == Image("image/bmp", 640, 480)
    assert sniff_image(b"BMW drivers") is None
