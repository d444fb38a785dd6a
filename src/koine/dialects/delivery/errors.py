"""Refusals as `{"success": false, "message": …}` (delivery.md, F)."""

from msgspec import Struct

from koine.http.dialect import MethodNotAllowed
from koine.http.request import Response
from koine.model.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Refusal,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)

_ENTITIES = frozenset({"tenant", "conversation", "delivery", "message"})
_CONFLICTS = {
    "closed": "Conversation is not active",
    "in_flight": "Request is already being processed",
}


class Error(Struct, frozen=True):
    """An error body."""

    success: bool
    message: str


class Crash(Struct, frozen=True):
    """The body of a 500, with an empty `error` (delivery.md, F)."""

    success: bool
    message: str
    error: dict[str, str]


ERROR_TYPES: dict[int, type] = {
    **dict.fromkeys((400, 401, 403, 404, 405, 409, 413, 422, 429, 503), Error),
    500: Crash,
}


def error_response(refusal: Refusal | None) -> Response:
    """The English body and the status of a refusal; None is a 500 (delivery.md, D)."""
    if refusal is None:
        return Response(Crash(False, "Internal server error", {}), 500)
    status, message = _status_and_message(refusal)
    return Response(Error(False, message), status)


def _status_and_message(refusal: Refusal) -> tuple[int, str]:
    match refusal:
        case Malformed(message=text) | Invalid(message=text):
            return 400, text
        case Unauthenticated():
            return 401, "Unauthorized"
        case Forbidden(what=what):
            return 403, "Not Participant" if what == "participant" else "Forbidden"
        case MethodNotAllowed():
            return 405, "Method not allowed"
        case NotFound(entity=entity):
            return 404, f"{entity.capitalize()} not found" if entity in _ENTITIES else "Not found"
        case Conflict(reason=reason):
            return 409, _CONFLICTS.get(reason, "Conflict")
        case TooLarge():
            return 413, "Request body is too large"
        case TooMany():
            return 429, "Too many requests"
        case Unavailable():
            return 503, "Service unavailable"
    return 500, "Internal server error"
