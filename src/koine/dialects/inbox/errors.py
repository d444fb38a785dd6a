"""Refusals in the statuses and bodies of this API (inbox.md, F)."""

from msgspec import Struct

from koine.engine.contacts.rules import InvalidFields
from koine.engine.conversations.surveys import SurveyClosed
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


class Problem(Struct):
    """The body of an error."""

    status: int
    error: str


class Unprocessable(Struct):
    """Which attributes are invalid, and why."""

    message: str
    attributes: list[str]


class ErrorMessage(Struct):
    """An error in one sentence."""

    error: str


ERROR_TYPES: dict[int, type] = {
    **dict.fromkeys((400, 401, 403, 404, 409, 413, 500, 503), Problem),
    422: Unprocessable,
}


def error_response(refusal: Refusal | None) -> Response:
    """The response to a refusal; None stands for an unexpected exception."""
    match refusal:
        case Invalid():
            return _invalid(refusal)
        case SurveyClosed():
            return Response(ErrorMessage(refusal.message), 422)
        case Malformed():
            return _problem(400, "Bad Request")
        case Unauthenticated():
            # Without it the server would ask for a bearer token, which this API does not know.
            return Response(
                Problem(401, "Unauthorized"), 401, {"WWW-Authenticate": "X-Identifier-Hash"}
            )
        case Forbidden():
            return _problem(403, "Forbidden")
        case MethodNotAllowed():
            return _problem(405, "Method Not Allowed")
        case NotFound():
            return _problem(404, "Not Found")
        case Conflict():
            return _problem(409, "Conflict")
        case TooLarge():
            return _problem(413, "Payload Too Large")
        case TooMany():
            return Response("Retry later", 429, media="text/plain")
        case Unavailable():
            return _problem(503, "Service Unavailable")
        case _:
            return _problem(500, "Internal Server Error")


def _invalid(refusal: Invalid) -> Response:
    fields = refusal.fields if isinstance(refusal, InvalidFields) else (refusal.field,)
    return Response(Unprocessable(refusal.message, list(fields)), 422)


def _problem(status: int, error: str) -> Response:
    return Response(Problem(status, error), status)
