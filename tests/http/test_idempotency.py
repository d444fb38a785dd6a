import asyncio
from itertools import count
from typing import Any

import httpx
import msgspec
import pytest

from koine.engine.core.engine import Engine
from koine.engine.idempotency import KeyedRequest, KeyReused, StoredResponse
from koine.http.app import App, build_app
from koine.http.request import Request, Response
from koine.http.route import Routes
from koine.kit import settings
from koine.model.errors import Conflict, NotFound
from tests.http.example_dialect import ExampleDialect, Form, client

KEY = {"Idempotency-Key": "abc"}


class Item(msgspec.Struct):
    n: int = 0


Scope = tuple[str, str, str, str]


class DictionaryStore:
    """A store in a dictionary."""

    def __init__(self) -> None:
        self.rows: dict[Scope, tuple[str, StoredResponse | None]] = {}
        self.claimed: set[Scope] = set()

    async def claim(
        self, request: KeyedRequest, stores_own_key: bool = False
    ) -> StoredResponse | None:
        before, stored = self.rows.setdefault(request.scope, (request.payload, None))
        if before != request.payload:
            raise KeyReused
        if stored is None and request.scope in self.claimed:
            raise Conflict("in_flight")
        self.claimed.add(request.scope)
        return stored

    async def save(self, request: KeyedRequest, response: StoredResponse) -> None:
        self.rows[request.scope] = (request.payload, response)

    async def release(self, request: KeyedRequest) -> None:
        del self.rows[request.scope]
        self.claimed.discard(request.scope)


class StoreWithoutResponses(DictionaryStore):
    """A store without the text of responses, as for those that are too large."""

    async def save(self, request: KeyedRequest, response: StoredResponse) -> None:
        status, created = response.status, response.created
        await super().save(request, StoredResponse(status, None, created=created))


def counting(store: DictionaryStore | None = None) -> App:
    """Routes whose responses differ each time, unless the first is replayed."""
    routes, turn = Routes(), count(1)

    @routes.post("/tiny/turns", body=Item, status=201)
    @routes.put("/tiny/turns", body=Item)
    async def take(request: Request[Item, None]) -> Response:
        return Response({"turn": next(turn), "n": request.body.n}, headers={"Location": "/tiny/1"})

    async def show(request: Request[Item, None]) -> dict[str, str]:
        return {"shown": request.created_ids}

    @routes.post("/tiny/shown", body=Item, replay=show)
    async def make(request: Request[Item, None]) -> int:
        request.created_ids = f"thing {next(turn)}"
        return request.body.n

    @routes.post("/tiny/lost", body=Item)
    async def lost(request: Request[Item, None]) -> None:
        raise NotFound(f"thing {next(turn)}")

    @routes.post("/tiny/broken", body=Item)
    async def broken(request: Request[Item, None]) -> Response:
        return Response({"turn": next(turn)}, 200 if next(turn) > 2 else 500)

    @routes.post("/tiny/uploads", body=Form, forms=True, files=("attachments",))
    async def upload(request: Request[Form, None]) -> list[Any]:
        return [next(turn), *[(await file.read()).decode() for file in request.files]]

    @routes.post("/tiny/slow", body=Item)
    async def slow(request: Request[Item, None]) -> int:
        await asyncio.sleep(0.05)
        return next(turn)

    counted = ExampleDialect()
    counted.routes = routes
    return build_app(
        [counted], Engine.__new__(Engine), settings.load({}), idempotency=store or DictionaryStore()
    )


async def twice(
    path: str, first: dict[str, Any], second: dict[str, Any], method: str = "POST"
) -> list[httpx.Response]:
    caller = client(counting())
    return [await caller.request(method, path, headers=KEY, **said) for said in (first, second)]


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_the_first_response_is_replayed_byte_for_byte(method: str) -> None:
    first, again = await twice("/tiny/turns", {"json": {"n": 1}}, {"json": {"n": 1}}, method)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.headers["location"] == "/tiny/1"
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["x-request-id"] != first.headers["x-request-id"]


async def test_the_quoted_form_of_a_key_is_the_same_key() -> None:
    caller = client(counting())
    spelled = [{"Idempotency-Key": "k1"}, {"Idempotency-Key": '"k1"'}]
    turns = [(await caller.post("/tiny/turns", headers=each)).json() for each in spelled]
    assert turns[0] == turns[1]


async def test_without_a_key_nothing_is_stored() -> None:
    caller = client(counting())
    turns = [(await caller.post("/tiny/turns")).json()["turn"] for _ in range(2)]
    assert turns == [1, 2]


async def test_another_payload_is_a_422() -> None:
    _, again = await twice("/tiny/turns", {"json": {"n": 1}}, {"json": {"n": 2}})
    assert (again.status_code, again.json()["field"]) == (422, "Idempotency-Key")


async def test_another_path_is_another_key() -> None:
    caller = client(counting())
    await caller.post("/tiny/turns", headers=KEY)
    assert (await caller.post("/tiny/uploads", headers=KEY)).json() == [2]


async def test_a_refusal_of_the_handler_is_stored() -> None:
    first, again = await twice("/tiny/lost", {}, {})
    assert first.content == again.content
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_server_error_is_not_stored() -> None:
    first, again = await twice("/tiny/broken", {}, {})
    assert (first.status_code, again.status_code) == (500, 200)


async def test_a_second_call_while_the_first_runs_is_a_409() -> None:
    caller = client(counting())
    calls = [caller.post("/tiny/slow", headers=KEY) for _ in range(2)]
    statuses = [response.status_code for response in await asyncio.gather(*calls)]
    assert sorted(statuses) == [200, 409]


async def test_an_upload_is_the_same_whatever_its_boundary() -> None:
    files = {"attachments[]": ("a.txt", b"text")}
    first, again = await twice("/tiny/uploads", {"files": files}, {"files": files})
    assert first.json() == again.json() == [1, "text"]


async def test_an_upload_of_other_bytes_is_another_payload() -> None:
    one, two = ({"files": {"attachments[]": ("a.txt", text)}} for text in (b"one", b"two"))
    _, again = await twice("/tiny/uploads", one, two)
    assert again.status_code == 422


async def test_in_place_of_a_response_too_large_to_store_the_current_state_is_sent() -> None:
    caller = client(counting(StoreWithoutResponses()))
    first, again = [await caller.post("/tiny/shown", headers=KEY) for _ in range(2)]
    assert (first.json(), again.json()) == (0, {"shown": "thing 1"})
    assert again.headers["idempotent-replayed"] == "true"


async def test_without_a_replay_handler_it_is_a_409_and_not_done_twice() -> None:
    caller = client(counting(StoreWithoutResponses()))
    statuses = [(await caller.post("/tiny/turns", headers=KEY)).status_code for _ in range(3)]
    assert statuses == [201, 409, 409]
    assert (await caller.post("/tiny/turns")).json()["turn"] == 2


@pytest.mark.parametrize("key", ["", '""', '" "', '"a b"', "a b", "x" * 256])
async def test_a_malformed_key_is_refused(key: str) -> None:
    response = await client(counting()).post("/tiny/turns", headers={"Idempotency-Key": key})
    assert (response.status_code, response.json()["field"]) == (422, "Idempotency-Key")
