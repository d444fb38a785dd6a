"""Requests to log in are limited before their body is read, and so is its size."""

from collections.abc import AsyncIterator

import httpx
import pytest

from koine.dialects.native import NativeDialect
from tests.cast import PASSWORD, Cast, http
from tests.dialects.native.test_session import LOGIN, email_of

PATHS = [LOGIN, "/v1/auth/refresh", "/v1/auth/logout"]
JSON_HEADERS = {"Content-Type": "application/json"}


@pytest.fixture
def cast_settings() -> dict[str, object]:
    """One login a minute, and three failures of an address."""
    return {"login_rate_limit_per_minute": 1, "rate_limit_per_minute": 3}


@pytest.fixture
async def api(cast: Cast) -> AsyncIterator[httpx.AsyncClient]:
    async with http(cast.engine, NativeDialect()) as client:
        yield client


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", [b"[{},{}]", b"{", b'{"x":1}', b'"' + b"x" * 9000 + b'"'])
async def test_an_invalid_body_counts_as_an_attempt(
    api: httpx.AsyncClient, path: str, body: bytes
) -> None:
    statuses = [
        (await api.post(path, content=body, headers=JSON_HEADERS)).status_code for _ in range(4)
    ]
    assert statuses[3] == 429
    assert set(statuses[:3]) <= {400, 413, 422}


@pytest.mark.parametrize("path", [*PATHS, "/v1/me/password"])
async def test_a_body_over_8_kib_is_not_read(api: httpx.AsyncClient, cast: Cast, path: str) -> None:
    method, headers = ("PUT", cast.bearer("ada")) if path.startswith("/v1/me") else ("POST", {})
    for length, status in ((8 * 1024, 422), (8 * 1024 + 1, 413)):
        sent = b'{"x": "' + b"x" * (length - 9) + b'"}'
        response = await api.request(method, path, content=sent, headers=headers | JSON_HEADERS)
        assert response.status_code == status, response.text


async def test_successful_logins_do_not_count(api: httpx.AsyncClient, cast: Cast) -> None:
    for name in ("ada", "alice", "dora", "dan", "cleo", "ada"):
        body = {"email": await email_of(cast, name), "password": PASSWORD}
        assert (await api.post(LOGIN, json=body)).status_code == 200


async def test_failures_of_an_address_are_limited_over_all_logins(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    bodies = [{"email": f"{n}@x.test", "password": "wrong"} for n in range(4)]
    statuses = [(await api.post(LOGIN, json=body)).status_code for body in bodies]
    assert statuses == [401, 401, 401, 429]
