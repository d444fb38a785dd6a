"""The paths that several resources share, and the numbers in them."""

from koine.http.request import AnyRequest
from koine.http.route import PathType
from koine.model.errors import NotFound

INBOX = "/public/api/v1/inboxes/{inbox}"
CONTACT = INBOX + "/contacts/{contact}"
CONVERSATION = CONTACT + "/conversations/{conversation}"
NUMBERED: dict[str, PathType] = {"conversation": "integer"}
_MAX_DIGITS = 16


def path_number(request: AnyRequest, name: str) -> int:
    """The number of a conversation or message in the path. Raises NotFound for anything else."""
    number = parse_number(request.path[name])
    if number is None:
        raise NotFound(name)
    return number


def parse_number(text: str) -> int | None:
    """A path segment as a number from 1, or None when it is none."""
    if not (text.isascii() and text.isdigit()) or len(text) > _MAX_DIGITS:
        return None
    return int(text) or None
