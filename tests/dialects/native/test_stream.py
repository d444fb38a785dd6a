"""Following over server-sent events: what comes, in which shape, from where, and to whom."""

from collections.abc import AsyncIterator

import httpx
import pytest

from koine.dialects.native import Native
from koine.store.db import Database
from tests.cast import Cast, make_cast
from tests.dialects.native.following import following
from tests.support.live import Live, live


@pytest.fixture
async def cast(db: Database) -> Cast:
    return await make_cast(db)


@pytest.fixture
async def server(cast: Cast) -> AsyncIterator[Live]:
    async with live(cast.engine, Native()) as server:
        yield server


@pytest.fixture
async def client(server: Live) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client


async def opened(client: httpx.AsyncClient, cast: Cast, *who: str) -> str:
    """A conversation Ada opens with these people."""
    joining = [{"identity_id": cast.acme.id(each)} for each in who]
    answer = await client.post(
        "/v1/conversations", json={"participants": joining}, headers=cast.bearer("ada")
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def say(
    client: httpx.AsyncClient, cast: Cast, talk: str, text: str, who: str = "alice", **more: object
) -> dict[str, object]:
    """What somebody says."""
    answer = await client.post(
        f"/v1/conversations/{talk}/messages",
        json={"content": text} | more,
        headers=cast.bearer(who),
    )
    assert answer.status_code == 201, answer.text
    said: dict[str, object] = answer.json()
    return said


async def test_a_message_comes_as_get_shows_it(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    talk = await opened(client, cast, "dan")
    async with following(server.url, cast.bearer("dan")) as dan:
        await dan.until("ready")
        said = await say(client, cast, talk, "hello")
        line = (await dan.until("message.created"))[-1]
        shown = await client.get(f"/v1/conversations/{talk}", headers=cast.bearer("dan"))
        assert line.data["data"]["message"] == said
        assert line.data["data"]["conversation"] == shown.json()
        assert shown.json()["unread_count"] == 1
        assert line.data["id"].startswith("evt_") and line.data["seq"] == 1
