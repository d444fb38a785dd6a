"""Refusals as problem documents (RFC 9457)."""

import msgspec

from koine.dialects.native.schemas import FieldError, Problem
from koine.http.dialect import MethodNotAllowed
from koine.http.request import Response
from koine.model.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Refusal,
    TenantSuspended,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)

MEDIA = "application/problem+json"
BASE = "/problems/"
"""`type` is this followed by a slug. Clients compare it: it never changes for a kind of problem."""
TITLES: dict[str, tuple[int, str]] = {
    "malformed": (400, "The request cannot be read"),
    "unauthenticated": (401, "The credentials are missing or not valid"),
    "forbidden": (403, "This is not allowed"),
    "not-found": (404, "There is no such thing"),
    "method-not-allowed": (405, "The path does not take this method"),
    "conflict": (409, "The state of things does not allow this"),
    "too-large": (413, "The body is too large"),
    "invalid": (422, "The values are refused"),
    "too-many-requests": (429, "Too many requests"),
    "internal": (500, "Something went wrong on the server's side"),
    "unavailable": (503, "The server is temporarily unavailable"),
}
ERRORS: dict[int, type] = dict.fromkeys((status for status, _ in TITLES.values()), Problem)
UNAUTHENTICATED_DETAILS = {
    "missing": "Send an access token or an API key",
    "invalid": "The credentials are not valid",
    "expired": "The credentials have expired",
    "revoked": "The credentials were revoked",
}
Description = tuple[str, str, str | None]
"""Slug, detail, reason."""


def problem_response(refusal: Refusal | None, request_id: str) -> Response:
    """The response to a refusal; None stands for an unexpected exception."""
    slug, detail, reason = describe(refusal)
    status, title = TITLES[slug]
    problem = Problem(
        type=BASE + slug,
        title=title,
        status=status,
        detail=detail,
        reason=reason,
        errors=_field_errors(refusal),
        request_id=request_id,
    )
    return Response(msgspec.json.encode(problem), status, media=MEDIA)


def _field_errors(refusal: Refusal | None) -> list[FieldError]:
    if not isinstance(refusal, Invalid):
        return []
    return [FieldError(refusal.field, refusal.reason, refusal.message)]


def describe(refusal: Refusal | None) -> Description:
    """The slug, detail and reason of a refusal, for responses and WebSocket frames alike; None
    stands for an unexpected exception."""
    match refusal:
        case Malformed(message=text):
            return "malformed", text, None
        case Invalid(message=text):
            return "invalid", text, None
        case Unauthenticated(reason=reason):
            return "unauthenticated", UNAUTHENTICATED_DETAILS[reason], reason
        case TenantSuspended(what=what):
            return "forbidden", "The tenant is suspended", what
        case Forbidden(what=what):
            return "forbidden", f"This needs {what}", what
        case MethodNotAllowed(allowed=allowed):
            return "method-not-allowed", f"The path takes {', '.join(allowed)}", None
        case NotFound(entity=entity):
            return "not-found", f"{entity} not found", None
        case Conflict(reason=reason, message=text):
            return "conflict", text, reason
        case _:
            return _describe_limit_or_crash(refusal)


def _describe_limit_or_crash(refusal: Refusal | None) -> Description:
    """As `describe`, for limits and for what went wrong in the server."""
    match refusal:
        case TooLarge(limit=limit):
            return "too-large", f"The body is over {limit} bytes", None
        case TooMany(retry_after=seconds):
            return "too-many-requests", f"Try again in {seconds} seconds", None
        case Unavailable(retry_after=seconds):
            return "unavailable", f"Try again in {seconds} seconds", None
        case _:
            return "internal", "The server's log has more under this request_id", None
