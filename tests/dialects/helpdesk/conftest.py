"""A client of the helpdesk dialect for the cast."""

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
    """Requests with Acme's key, which has every permission, unless `headers` has another."""

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
        """One request: of a path below /api/v1/conversations, or of one that begins with /api."""
        url = path if path.startswith("/api") else f"{BASE}{path}"
        return await self.client.request(
            method, url, json=json, headers=self.headers if headers is None else headers,
            params={name: str(value) for name, value in query.items()},
        )  # fmt: skip

    async def create(self, **fields: object) -> dict[str, Any]:
        """Create a conversation in the website inbox; return the response's `data`."""
        body = {"subject": "Order late", "inboxId": self.acme.inbox.id} | fields
        response = await self.call("POST", json=body)
        assert response.status_code == 201, response.text
        data: dict[str, Any] = response.json()["data"]
        return data

    async def find(self, query: Mapping[str, object]) -> httpx.Response:
        """The response of the list with this query."""
        params = {name: str(value) for name, value in query.items()}
        return await self.client.get(BASE, headers=self.headers, params=params)

    async def list_ids(self, **query: object) -> list[str]:
        """The ids in the list with this query."""
        response = await self.find(query)
        assert response.status_code == 200, response.text
        assert response.json()["pagination"]["total"] == len(response.json()["data"])
        return [each["_id"] for each in response.json()["data"]]


@pytest.fixture
async def helpdesk_client(db: Database) -> AsyncIterator[HelpdeskClient]:
    """A client without a rate limit."""
    async with AsyncExitStack() as stack:
        yield await make_client(db, stack)


async def make_client(db: Database, stack: AsyncExitStack, **settings: object) -> HelpdeskClient:
    """A client of a server with these settings."""
    cast = await make_cast(db, None, **settings)
    client = await stack.enter_async_context(http(cast.engine, HelpdeskDialect(cast.clock)))
    return HelpdeskClient(cast, client)
