import asyncio

import pytest

from koine.engine.core.engine import Engine
from koine.http.app import build_app
from koine.http.route import Routes
from koine.kit import settings
from koine.kit.ids import new_id
from tests.http.example_dialect import ExampleDialect, RawRequest, app, client


async def test_a_handler_answers_in_json_with_its_status() -> None:
    response = await client().post("/tiny/things/a", json={"name": "Ada"})
    assert response.status_code == 201
    assert response.json()["id"] == "a"
    assert response.headers["content-type"] == "application/json"


async def test_every_answer_carries_the_safety_headers() -> None:
    for path in ("/tiny/things", "/tiny/nothing", "/livez", "/nobody", "/tiny/crash"):
        headers = (await client().get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


@pytest.mark.parametrize("request_id", ["abc-1.2_3", "x" * 128])
async def test_a_valid_request_id_is_sent_back(request_id: str) -> None:
    for path in ("/tiny/things", "/tiny/nothing", "/livez", "/nobody"):
        response = await client().get(path, headers={"X-Request-Id": request_id})
        assert response.headers["x-request-id"] == request_id


@pytest.mark.parametrize("request_id", ["", "a b", "x" * 129, "é", "<script>"])
async def test_another_request_id_is_replaced(request_id: str) -> None:
    headers = {"X-Request-Id": request_id.encode("latin-1")}
    response = await client().get("/tiny/things", headers=headers)  # type: ignore[arg-type]  # bytes
    assert len(response.headers["x-request-id"]) == 36


async def test_no_two_requests_get_the_same_id() -> None:
    ids = {(await client().get("/livez")).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3


async def test_an_unknown_path_is_a_404_in_the_dialects_shape() -> None:
    response = await client().get("/tiny/nothing")
    assert (response.status_code, response.json()["code"]) == (404, "NotFound")


async def test_a_path_outside_all_prefixes_is_a_plain_404() -> None:
    response = await client().get("/nobody")
    assert response.status_code == 404
    assert response.json()["error"]["status"] == 404


async def test_a_wrong_method_is_a_405_with_allow_in_the_dialects_shape() -> None:
    response = await client().post("/tiny/things")
    assert (response.status_code, response.json()["code"]) == (405, "NotFound")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_head_is_get_without_its_body() -> None:
    head, get = await client().head("/tiny/things"), await client().get("/tiny/things")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


async def test_a_204_has_neither_body_nor_length() -> None:
    response = await client().delete("/tiny/things/a")
    assert (response.status_code, response.content) == (204, b"")
    assert "content-length" not in response.headers


async def test_an_unauthenticated_request_is_refused_before_its_body_is_read() -> None:
    request = RawRequest("POST", "/tiny/things/a", b"{}", authorization="", content_length="2")
    assert await request.run() == 401
    assert request.read == 0


async def test_a_401_has_a_www_authenticate_header() -> None:
    response = await client(headers={}).get("/tiny/things")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_crash_is_a_500_without_details() -> None:
    response = await client().get("/tiny/crash")
    assert (response.status_code, response.json()["code"]) == (500, "Crash")
    assert "secret" not in response.text


async def test_a_429_has_the_rate_limit_headers_too() -> None:
    one = {"X-Request-Id": new_id()}
    responses = [await client().get("/tiny/limited", headers=one) for _ in range(3)]
    rates = [(response.status_code, response.headers["x-left"]) for response in responses]
    assert rates == [(200, "1"), (200, "0"), (429, "0")]
    assert responses[2].headers["retry-after"] == "30"


async def test_an_unavailable_database_is_a_503_with_retry_after() -> None:
    response = await client().get("/tiny/busy")
    assert (response.status_code, response.headers["retry-after"]) == (503, "7")


async def test_the_dialects_headers_are_on_refusals_too() -> None:
    for path in ("/tiny/things", "/tiny/nothing", "/tiny/things?page=0", "/tiny/crash"):
        assert (await client().get(path)).headers["x-tiny"] == "yes"


async def test_a_header_value_cannot_add_a_header() -> None:
    response = await client().get("/tiny/text")
    assert response.headers["link"] == "a  Evil: b"
    assert "evil" not in response.headers


async def test_an_answer_may_be_text_with_its_own_headers() -> None:
    response = await client().get("/tiny/text")
    assert (response.status_code, response.text) == (202, "hé")
    assert response.headers["cache-control"] == "max-age=5"


async def test_the_longest_prefix_owns_a_path() -> None:
    assert (await client().get("/tiny/open/thing")).json() == {"open": True}
    assert (await client().get("/tiny/open/things")).status_code == 404


async def test_nothing_is_sent_to_a_client_that_disconnected() -> None:
    request = RawRequest("POST", "/tiny/things/a", content_length="10")
    assert await request.run() is None


async def test_a_cancelled_request_is_not_rendered_as_an_error() -> None:
    task = asyncio.create_task(RawRequest("GET", "/tiny/forever").run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("path", ["/tiny/things/%00", "/tiny/things/%ff", "/tiny/%c3%28/a"])
async def test_a_path_of_unreadable_bytes_is_a_404(path: str) -> None:
    assert await RawRequest("POST", path, b"{}", content_length="2").run() == 404


def test_a_route_outside_its_prefixes_is_refused() -> None:
    class Astray(ExampleDialect):
        prefixes = ("/else",)

    with pytest.raises(ValueError, match="outside the prefixes"):
        _build(Astray())


def test_two_owners_of_a_prefix_are_refused() -> None:
    class Twin(ExampleDialect):
        routes = Routes()

    with pytest.raises(ValueError, match="two owners"):
        _build(ExampleDialect(), Twin())


async def test_the_lifespan_reaches_starlette() -> None:
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[str] = []

    async def receive() -> dict[str, str]:
        return next(messages)

    async def send(message: dict[str, str]) -> None:
        sent.append(message["type"])

    await app()({"type": "lifespan"}, receive, send)  # type: ignore[arg-type]  # plain dicts
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def _build(*dialects: ExampleDialect) -> object:
    return build_app(dialects, Engine.__new__(Engine), settings.load({}))
