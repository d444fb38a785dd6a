"""Refusals of the engine in this dialect's format (helpdesk.md, "Envelope and errors")."""

import msgspec
import pytest

from koine.dialects.helpdesk.errors import ApiKeyRefused, error_response
from koine.http.dialect import MethodNotAllowed
from koine.http.query import BadQuery
from koine.model import errors
from tests.dialects.helpdesk.conftest import BASE, HelpdeskClient

CASES: list[tuple[errors.Refusal | None, int, str, object]] = [
    (errors.Malformed("no JSON"), 400, "BAD_REQUEST", None),
    (BadQuery("page", "is x"), 400, "BAD_REQUEST", {"field": "page", "validation": "is x"}),
    (errors.Invalid("a", "is x"), 422, "VALIDATION_ERROR", {"field": "a", "validation": "is x"}),
    (errors.Unauthenticated("missing"), 401, "AUTH_REQUIRED", None),
    (errors.Unauthenticated("invalid"), 401, "AUTH_INVALID", None),
    (errors.Unauthenticated("revoked"), 401, "AUTH_INVALID", None),
    (errors.Unauthenticated("expired"), 401, "AUTH_EXPIRED", None),
    (ApiKeyRefused("invalid"), 401, "API_KEY_INVALID", None),
    (ApiKeyRefused("revoked"), 401, "API_KEY_INVALID", None),
    (ApiKeyRefused("expired"), 401, "API_KEY_EXPIRED", None),
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
    response = error_response(refusal, "r-1", 0)
    body = msgspec.json.decode(msgspec.json.encode(response.body))
    message = body["error"].pop("message")
    assert (response.status, body["success"]) == (status, False)
    assert isinstance(message, str) and message
    assert body["error"] == {
        "code": code, "details": details, "requestId": "r-1",
        "timestamp": "1970-01-01T00:00:00.000Z",
    }  # fmt: skip


def test_every_refusal_is_tested() -> None:
    covered = {type(refusal) for refusal, *_ in CASES}
    assert set(errors.REFUSALS) <= covered


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400), (b"\xff", 400), (b'{"subject": "\\u0000"}', 400),
        (b'{"subject": "\\ud800"}', 400), (b'{"a": 1, "a": 2}', 400), (b"[" * 99, 400),
        (b"[]", 422), (b"null", 422), (b'"x"', 422), (b'{"subject": []}', 422), (b"", 422),
    ],
)  # fmt: skip
async def test_a_hostile_body_is_refused_in_shape(
    helpdesk_client: HelpdeskClient, body: bytes, status: int
) -> None:
    response = await helpdesk_client.client.post(
        BASE, content=body, headers=helpdesk_client.headers
    )
    assert response.status_code == status
    assert response.json()["success"] is False
    assert response.json()["error"]["requestId"] == response.headers["X-Request-Id"]


async def test_unknown_paths_and_methods_have_the_shape_too(
    helpdesk_client: HelpdeskClient,
) -> None:
    wrong = await helpdesk_client.call("POST", "/a/b/c")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (404, "NOT_FOUND")
    method = await helpdesk_client.call("PATCH", "/a")
    assert (method.status_code, method.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
