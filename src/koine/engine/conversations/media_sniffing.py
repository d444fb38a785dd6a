"""What kind of sound or film some bytes begin; nothing is ever decoded."""

_ISO_BRANDS = {b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"qt  ": "video/quicktime"}
"""Brands of the ISO base media format that are no plain MP4 film."""
_STILLS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
_MP3 = (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"ID3")
_FILMS_IN_OGG = (b"theora", b"video", b"BBCD")


def sniff_media(head: bytes) -> str | None:
    """The media type of the Ogg, MP3, WAV, FLAC, MP4, QuickTime, WebM or AVI that `head` begins, by
    its magic bytes; None for all else."""
    if head.startswith(b"OggS"):
        # The first page names its codec: there is no type for "either".
        film = any(head[28:40].lstrip(b"\x80\x01").startswith(each) for each in _FILMS_IN_OGG)
        return "video/ogg" if film else "audio/ogg"
    if head.startswith(b"RIFF"):
        return {b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(head[8:12])
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return None if brand in _STILLS else _ISO_BRANDS.get(brand, "video/mp4")
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head.startswith(b"fLaC"):
        return "audio/flac"
    return "audio/mpeg" if head.startswith(_MP3) else None
