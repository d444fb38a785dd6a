from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from msgspec import Struct

from koine.dialects.chats import ChatsDialect
from koine.engine.people import directory
from koine.model.actor import operator
from koine.model.identity import NewIdentity
from koine.store.core.db import Database
from tests.cast import Cast, http, make_cast


class ChatsClient(Struct):
    """The cast, and Acme's client of the chats dialect."""

    cast: Cast
    client: httpx.AsyncClient

    def headers(self, key: str | None = None) -> dict[str, str]:
        return {"authorization": key or self.cast.acme.key}

    async def get(self, path: str, key: str | None = None, **query: Any) -> httpx.Response:
        params = {name.replace("__", ""): value for name, value in query.items()}
        return await self.client.get(path, params=params or None, headers=self.headers(key))

    async def send(
        self, method: str, path: str, body: object = None, key: str | None = None
    ) -> httpx.Response:
        return await self.client.request(method, path, json=body, headers=self.headers(key))

    async def create_chat(
        self, owner: str = "carol", title: str | None = None, **fields: Any
    ) -> Any:
        body = {"channelId": None, "ownerId": self.cast.acme.id(owner), "title": title} | fields
        response = await self.send("POST", "/api/v1/chats", body)
        assert response.status_code == 200, response.text
        self.cast.clock.advance(seconds=1)
        return response.json()

    async def post_message(
        self, chat: Any, content: str = "hi", role: str = "user", **fields: Any
    ) -> Any:
        body = {"chatId": chat["id"], "content": content, "role": role} | fields
        response = await self.send("POST", "/api/v1/chat-messages", body)
        assert response.status_code == 200, response.text
        self.cast.clock.advance(seconds=1)
        return response.json()

    async def details(self, chat: Any) -> Any:
        response = await self.get(f"/api/v1/chats/{chat['id']}/details")
        assert response.status_code == 200, response.text
        return response.json()

    async def ids(self, path: str = "/api/v1/chats", **query: Any) -> list[str]:
        response = await self.get(path, **query)
        assert response.status_code == 200, response.text
        return [chat["id"] for chat in response.json()]

    async def create_contact(self, **fields: Any) -> str:
        admin = operator(self.cast.acme.tenant.id)
        created = await directory.create(
            self.cast.engine, admin, NewIdentity(kind="contact", **fields)
        )
        return created.id


@pytest.fixture
async def api(db: Database) -> AsyncIterator[ChatsClient]:
    cast = await make_cast(db)
    async with http(cast.engine, ChatsDialect()) as client:
        yield ChatsClient(cast, client)
