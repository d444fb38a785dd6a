"""A desk of the small cast: its client, its conversations, its answers."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from koine.dialects.helpdesk import HelpdeskDialect
from koine.store.core.db import Database
from tests.cast import Cast, http, make_cast

BASE = "/api/v1/conversations"


class HelpdeskClient:
    """Acme's desk: calls go out with the key that may do everything, unless headers say who."""

    def __init__(self, cast: Cast, client: httpx.AsyncClient) -> None:
        self.cast = cast
        self.acme = cast.acme
        self.client = client
        self.headers = {"Authorization": f"Bearer {cast.acme.key}"}

    async def call(
        self,
        method: str,
        path: str = "",
        json: object = None,
        headers: dict[str, str] | None = None,
        **query: object,
    ) -> httpx.Response:
        """One call below /api/v1/conversations, or of a whole path."""
        url = path if path.startswith("/api") else f"{BASE}{path}"
        return await self.client.request(
            method, url, json=json, headers=self.headers if headers is None else headers,
            params={name: str(value) for name, value in query.items()},
        )  # fmt: skip

    async def made(self, **fields: object) -> dict[str, Any]:
        """A new conversation in the website inbox, as it was answered."""
        body = {"subject": "Order late", "inboxId": self.acme.inbox.id} | fields
        answer = await self.call("POST", json=body)
        assert answer.status_code == 201, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def find(self, query: Mapping[str, object]) -> httpx.Response:
        """The list, asked with this query."""
        params = {name: str(value) for name, value in query.items()}
        return await self.client.get(BASE, headers=self.headers, params=params)

    async def listed(self, **query: object) -> list[str]:
        """The ids a list finds."""
        answer = await self.find(query)
        assert answer.status_code == 200, answer.text
        assert answer.json()["pagination"]["total"] == len(answer.json()["data"])
        return [each["_id"] for each in answer.json()["data"]]


@pytest.fixture
async def helpdesk_client(db: Database) -> AsyncIterator[HelpdeskClient]:
    """Without a rate limit."""
    async with AsyncExitStack() as stack:
        yield await desk_of(db, stack)


async def desk_of(db: Database, stack: AsyncExitStack, **settings: object) -> HelpdeskClient:
    """A desk with settings of its own."""
    cast = await make_cast(db, None, **settings)
    client = await stack.enter_async_context(http(cast.engine, HelpdeskDialect(cast.clock)))
    return HelpdeskClient(cast, client)
