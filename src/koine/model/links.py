"""What may stand where a client shows a link: nothing that a browser would run."""

from urllib.parse import urlsplit

UPLOADS = "/files/"
"""How the paths of our own uploads begin."""


def is_link(text: str) -> bool:
    """Whether it is an http or https URL or the path of an upload (delivery.md, D)."""
    if not text.isprintable() or " " in text:
        return False
    if text.startswith(UPLOADS):
        return ".." not in text
    try:
        parts = urlsplit(text)
        has_place = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and has_place
