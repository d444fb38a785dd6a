"""Unusual requests of real clients that every dialect accepts."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.drivers.asgi import Caller, Reply
from tests.drivers.base import Driver
from tests.drivers.cast_app import CastApp
from tests.drivers.registry import DRIVERS

pytestmark = pytest.mark.parametrize("name", DRIVERS)
MARK = b"\xef\xbb\xbf"


class Odd(Caller):
    """Repeats the slashes of the path, and puts a byte order mark before the JSON, as .NET does."""

    mark = MARK

    async def __call__(self, method: str, url: str, body: object = None, **more: Any) -> Reply:
        path, question, query = url.partition("?")
        doubled = "http://koine.test/" + path.replace("/", "//") + question + query
        raw = None if body is None else self.mark + msgspec.json.encode(body)
        return await super().__call__(method, doubled, raw=raw, **more)


@pytest.fixture
def odd(drivers: dict[str, Driver], name: str) -> Iterator[Driver]:
    driver = drivers[name]
    driver.call = Odd(driver.call.app, driver.call.headers)
    yield driver


async def test_repeated_slashes_and_byte_order_marks_are_accepted(
    cast_app: CastApp, odd: Driver
) -> None:
    conversation = await cast_app.create_conversation()
    await odd.post(conversation, "hello")
    assert await odd.read(conversation) == ["hello"]
    assert await odd.open()


async def test_a_mark_alone_is_an_empty_body_not_a_crash(cast_app: CastApp, odd: Driver) -> None:
    path = next(
        r.path
        for d in cast_app.dialects
        if d.name == odd.name
        for r in d.routes
        if r.method == "POST"
    )
    reply = await Caller.__call__(odd.call, "POST", path, raw=MARK)
    assert reply.status < 500


async def test_a_key_is_the_same_whatever_slashes_its_path_has(
    cast_app: CastApp, odd: Driver
) -> None:
    conversation, heads = (
        await cast_app.create_conversation(),
        odd.call.headers | {"idempotency-key": "k-1"},
    )
    for caller in (Odd(odd.call.app, heads), Caller(odd.call.app, heads)):
        caller.mark = b""  # type: ignore[attr-defined]  # of one of the two
        odd.call = caller
        await odd.post(conversation, "once")
    odd.call = Caller(odd.call.app, odd.headers())
    assert await odd.read(conversation) == ["once"]
