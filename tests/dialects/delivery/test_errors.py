"""Every refusal of the engine has a response in the dialect's envelope."""

import msgspec
import pytest

from koine.dialects.delivery import DeliveryDialect, errors
from koine.http.dialect import MethodNotAllowed
from koine.model.errors import (
    REFUSALS,
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

ANSWERS: list[tuple[Refusal, int, str]] = [
    (Malformed("not JSON"), 400, "not JSON"),
    (Invalid("title", "must be a string"), 400, "title must be a string"),
    (Unauthenticated("expired"), 401, "Unauthorized"),
    (Forbidden("view:tenant"), 403, "Forbidden"),
    (Forbidden("participant"), 403, "Not Participant"),
    (NotFound("tenant"), 404, "Tenant not found"),
    (NotFound("conversation"), 404, "Conversation not found"),
    (NotFound("anything"), 404, "Not found"),
    (MethodNotAllowed(("GET",)), 405, "Method not allowed"),
    (Conflict("closed"), 409, "Conversation is not active"),
    (Conflict("in_flight"), 409, "Request is already being processed"),
    (Conflict("whatever"), 409, "Conflict"),
    (TooLarge(5), 413, "Request body is too large"),
    (TooMany(5), 429, "Too many requests"),
    (Unavailable(5), 503, "Service unavailable"),
]


@pytest.mark.parametrize(("refusal", "status", "message"), ANSWERS)
def test_a_refusal_has_its_status_and_text(refusal: Refusal, status: int, message: str) -> None:
    response = DeliveryDialect().error_response(refusal, "r", True)
    assert response.status == status
    assert msgspec.to_builtins(response.body) == {"success": False, "message": message}


def test_every_class_of_refusal_is_tested() -> None:
    assert {type(refusal) for refusal, _, _ in ANSWERS} >= set(REFUSALS)


def test_a_crash_has_an_empty_error() -> None:
    response = DeliveryDialect().error_response(None, "r", True)
    assert response.status == 500
    body = {"success": False, "message": "Internal server error", "error": {}}
    assert msgspec.to_builtins(response.body) == body


def test_every_status_is_documented() -> None:
    assert {status for _, status, _ in ANSWERS} <= set(errors.ERROR_TYPES)
