"""Every refusal of the core has its status, code and shape (helpdesk.md, "Envelope and errors")."""

import msgspec
import pytest

from koine.dialects.helpdesk.errors import KeyRefused, answer
from koine.http.dialect import MethodNotAllowed
from koine.http.query import BadQuery
from koine.model import errors

CASES: list[tuple[errors.Refusal | None, int, str, object]] = [
    (errors.Malformed("no JSON"), 400, "BAD_REQUEST", None),
    (BadQuery("page", "is x"), 400, "BAD_REQUEST", {"field": "page", "validation": "is x"}),
    (errors.Invalid("a", "is x"), 422, "VALIDATION_ERROR", {"field": "a", "validation": "is x"}),
    (errors.Unauthenticated("missing"), 401, "AUTH_REQUIRED", None),
    (errors.Unauthenticated("invalid"), 401, "AUTH_INVALID", None),
    (errors.Unauthenticated("revoked"), 401, "AUTH_INVALID", None),
    (errors.Unauthenticated("expired"), 401, "AUTH_EXPIRED", None),
    (KeyRefused("invalid"), 401, "API_KEY_INVALID", None),
    (KeyRefused("revoked"), 401, "API_KEY_INVALID", None),
    (KeyRefused("expired"), 401, "API_KEY_EXPIRED", None),
    (errors.Forbidden("read:conversations"), 403, "FORBIDDEN", {"required": "read:conversations"}),
    (errors.NotFound("conversation"), 404, "NOT_FOUND", None),
    (MethodNotAllowed(("GET",)), 405, "METHOD_NOT_ALLOWED", None),
    (errors.Conflict("in_flight"), 409, "CONFLICT", {"reason": "in_flight"}),
    (errors.TooLarge(9), 413, "PAYLOAD_TOO_LARGE", {"limit": 9}),
    (errors.TooMany(3), 429, "RATE_LIMIT_EXCEEDED", {"retryAfter": 3}),
    (errors.Unavailable(2), 503, "SERVICE_UNAVAILABLE", {"retryAfter": 2}),
    (None, 500, "INTERNAL_ERROR", None),
]


@pytest.mark.parametrize(("refusal", "status", "code", "details"), CASES)
def test_a_refusal_has_its_shape(
    refusal: errors.Refusal | None, status: int, code: str, details: object
) -> None:
    given = answer(refusal, "r-1", 0)
    body = msgspec.json.decode(msgspec.json.encode(given.body))
    message = body["error"].pop("message")
    assert (given.status, body["success"]) == (status, False)
    assert isinstance(message, str) and message
    assert body["error"] == {
        "code": code, "details": details, "requestId": "r-1",
        "timestamp": "1970-01-01T00:00:00.000Z",
    }  # fmt: skip


def test_no_refusal_is_forgotten() -> None:
    covered = {type(refusal) for refusal, *_ in CASES}
    assert set(errors.REFUSALS) <= covered
