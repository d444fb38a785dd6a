"""Refusals as this dialect's errors (F; helpdesk.md marks the codes that are D)."""

from msgspec import Struct

from koine.dialects.helpdesk.schemas import Time
from koine.http.dialect import MethodNotAllowed
from koine.http.query import BadQuery
from koine.http.request import Response
from koine.kit.times import iso_ms
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


class Problem(Struct, frozen=True, rename="camel"):
    """An error (F): `code` for programs, `message` for people."""

    code: str
    message: str
    details: dict[str, object] | None
    request_id: str
    timestamp: Time


class Error(Struct, frozen=True, kw_only=True):
    """The body of every error (F)."""

    success: bool
    error: Problem


Details = dict[str, object] | None
ErrorFields = tuple[int, str, str, Details]
"""Status, code, message, details."""
ERRORS: dict[int, type] = dict.fromkeys(
    (400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503), Error
)
ENTITIES = {
    "conversation": "Conversation",
    "inbox": "Inbox",
    "owner": "Customer",
    "assignee": "User",
}


class ApiKeyRefused(Unauthenticated):
    """An API key was refused: this has error codes of its own (F)."""


def error_response(refusal: Refusal | None, request_id: str, now: int) -> Response:
    """The error body and status of a refusal at `now` (µs); None is an unexpected error, a 500."""
    status, code, message, details = _error_fields(refusal)
    problem = Problem(code, message, details, request_id, iso_ms(now))
    return Response(Error(success=False, error=problem), status)


def _error_fields(refusal: Refusal | None) -> ErrorFields:
    match refusal:
        case Malformed(message=text):
            return 400, "BAD_REQUEST", text, None
        case BadQuery(field=name, reason=reason):
            return 400, "BAD_REQUEST", refusal.message, {"field": name, "validation": reason}
        case Invalid(field=name, reason=reason):
            return 422, "VALIDATION_ERROR", refusal.message, {"field": name, "validation": reason}
        case Unauthenticated():
            return _unauthenticated(refusal)
        case TenantSuspended(what=what):
            return 403, "FORBIDDEN", "The tenant is suspended", {"reason": what}
        case Forbidden(what=what):
            return 403, "FORBIDDEN", "You may not do this", {"required": what}
        case MethodNotAllowed():
            return 405, "METHOD_NOT_ALLOWED", "Method not allowed", None
        case NotFound(entity=entity):
            return 404, "NOT_FOUND", f"{ENTITIES.get(entity, 'Resource')} not found", None
        case Conflict(reason=reason):
            return 409, "CONFLICT", refusal.message, {"reason": reason}
        case _:
            return _limit_or_failure(refusal)


def _unauthenticated(refusal: Unauthenticated) -> ErrorFields:
    if refusal.reason == "missing":
        return 401, "AUTH_REQUIRED", "Send an API key or an access token", None
    expired = refusal.reason == "expired"
    end = "EXPIRED" if expired else "INVALID"
    how = "has expired" if expired else "is not valid"
    if isinstance(refusal, ApiKeyRefused):
        return 401, f"API_KEY_{end}", f"The API key {how}", None
    return 401, f"AUTH_{end}", f"The access token {how}", None


def _limit_or_failure(refusal: Refusal | None) -> ErrorFields:
    """Limits, and failures of the server."""
    match refusal:
        case TooLarge(limit=limit):
            return 413, "PAYLOAD_TOO_LARGE", f"The body is over {limit} bytes", {"limit": limit}
        case TooMany(retry_after=seconds):
            details: Details = {"retryAfter": seconds}
            return 429, "RATE_LIMIT_EXCEEDED", "Too many requests", details
        case Unavailable(retry_after=seconds):
            details = {"retryAfter": seconds}
            return 503, "SERVICE_UNAVAILABLE", "The server is temporarily unavailable", details
        case _:
            return 500, "INTERNAL_ERROR", "Something went wrong on our side", None
