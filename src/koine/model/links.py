"""Which URLs may be stored where clients show a link: none that a browser would execute."""

from urllib.parse import quote, unquote, urlsplit

from koine.model.errors import Invalid

FILES_PATH = "/files/"
"""How the paths of our own uploads begin."""


def upload_path(key: str, name: str) -> str:
    """The path of an upload: the part of its URL that is stored."""
    return f"{FILES_PATH}{key}/{quote(name, safe='')}"


def public_url(content_url: str | None, attachments: str | None, base_url: str) -> str | None:
    """A message's link for one reader. That of an upload begins with the reader's `base_url`; the
    host in older rows is not trusted, as the sender chose it."""
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
    """Raise Invalid(field, "no_link") for a text that is no link; None passes."""
    if text is not None and not is_link(text):
        why = f"{field} must be an http or https URL or a path of an upload"
        raise Invalid(field, "no_link", why)
