"""Every refusal is a problem document (RFC 9457)."""

import httpx
import msgspec
import pytest

from koine.dialects.native import NativeDialect
from koine.dialects.native.schemas import Problem
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

CASES: list[tuple[Refusal | None, int, str]] = [
    (Malformed("no JSON"), 400, "malformed"),
    (Unauthenticated("expired"), 401, "unauthenticated"),
    (Forbidden("view:tenant"), 403, "forbidden"),
    (NotFound("user"), 404, "not-found"),
    (MethodNotAllowed(("GET",)), 405, "method-not-allowed"),
    (Conflict("closed"), 409, "conflict"),
    (TooLarge(10), 413, "too-large"),
    (Invalid("name", "is required"), 422, "invalid"),
    (TooMany(3), 429, "too-many-requests"),
    (None, 500, "internal"),
    (Unavailable(3), 503, "unavailable"),
]


@pytest.mark.parametrize(("refusal", "status", "slug"), CASES)
def test_each_refusal_has_its_type(refusal: Refusal | None, status: int, slug: str) -> None:
    response = NativeDialect().error_response(refusal, "rid", True)
    assert (response.status, response.media) == (status, "application/problem+json")
    assert isinstance(response.body, bytes)
    problem = msgspec.json.decode(response.body, type=Problem)
    assert (problem.type, problem.status) == (f"/problems/{slug}", status)
    assert problem.request_id == "rid"


def test_every_refusal_has_a_case() -> None:
    assert set(REFUSALS) <= {type(refusal) for refusal, _, _ in CASES}


async def test_an_invalid_field_is_named(api: httpx.AsyncClient) -> None:
    response = await api.post("/v1/users", json={"name": 7})
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "/problems/invalid",
        "title": "The values are refused",
        "status": 422,
        "detail": "name must be a string",
        "reason": None,
        "errors": [
            {"field": "name", "reason": "must be a string", "message": "name must be a string"}
        ],
        "request_id": response.headers["x-request-id"],
    }


@pytest.mark.parametrize("path", ["/v1", "/v1/nothing", "/v1/users/1/2/3"])
async def test_an_unknown_path_is_a_problem_too(api: httpx.AsyncClient, path: str) -> None:
    response = await api.get(path)
    assert (response.status_code, response.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize("body", [b"{", b'{"a":1,"a":2}', b'"\\u0000"', b"\xff", b"[" * 100])
async def test_an_unreadable_body_is_malformed(api: httpx.AsyncClient, body: bytes) -> None:
    response = await api.post("/v1/users", content=body)
    assert (response.status_code, response.json()["type"]) == (400, "/problems/malformed")


@pytest.mark.parametrize(
    "cursor", ["x", "é", "MS54", "LTEuMDE5", "OTk5OTk5OTk5OTk5OTk5OTk5OTkuMDA", "A" * 5000]
)
async def test_an_invalid_cursor_is_refused(api: httpx.AsyncClient, cursor: str) -> None:
    response = await api.get("/v1/users", params={"cursor": cursor})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "cursor")


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "x", "9" * 30])
async def test_a_limit_is_from_1_to_100(api: httpx.AsyncClient, limit: str) -> None:
    response = await api.get("/v1/users", params={"limit": limit})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "limit")
