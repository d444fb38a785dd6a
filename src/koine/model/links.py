"""What may stand where a client shows a link: nothing that a browser would run."""

from urllib.parse import quote, unquote, urlsplit

from koine.model.errors import Invalid

FILES_PATH = "/files/"
"""How the paths of our own uploads begin."""


def upload_path(key: str, name: str) -> str:
    """The path of one of our own uploads: what is stored of its URL."""
    return f"{FILES_PATH}{key}/{quote(name, safe='')}"


def public_url(content_url: str | None, attachments: str | None, base_url: str) -> str | None:
    """A message's link as its reader fetches it. That of an upload begins with the reader's own
    `base_url`; whatever host an older row has there was its sender's word."""
    if content_url is None or attachments is None:
        return content_url
    at = content_url.rfind(FILES_PATH)
    return content_url if at < 0 else f"{base_url}{content_url[at:]}"


def is_link(text: str) -> bool:
    """Whether it is an http or https URL or the path of an upload (delivery.md, D)."""
    if not text.isprintable() or " " in text:
        return False
    if text.startswith(FILES_PATH):
        path = unquote(text)
        return ".." not in path.split("/") and "\\" not in path
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
