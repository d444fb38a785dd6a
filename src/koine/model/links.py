"""What may stand where a client shows a link: nothing that a browser would run."""

from urllib.parse import unquote, urlsplit

from koine.model.errors import Invalid

UPLOADS = "/files/"
"""How the paths of our own uploads begin."""


def is_link(text: str) -> bool:
    """Whether it is an http or https URL or the path of an upload (delivery.md, D)."""
    if not text.isprintable() or " " in text:
        return False
    if text.startswith(UPLOADS):
        return ".." not in unquote(text) and "\\" not in unquote(text)
    try:
        parts = urlsplit(text)
        has_place = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and has_place


def check_link(field: str, text: str | None) -> None:
    """Raise Invalid(field, "no_link") for a text that is no link; None is no text."""
    if text is not None and not is_link(text):
        why = f"{field} must be an http or https URL or a path of an upload"
        raise Invalid(field, "no_link", why)
