from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from koine.dialects.delivery import DeliveryDialect
from koine.engine.auth import sessions
from koine.engine.conversations import conversations
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.people import directory
from koine.kit.ids import new_id
from koine.model.actor import operator
from koine.model.identity import NewIdentity
from koine.store.core.db import Database
from tests.cast import Cast, http, make_cast

CONVERSATIONS = "/messaging/conversations"


class DeliveryClient:
    """Requests to the dialect by people of Acme."""

    def __init__(self, cast: Cast, client: httpx.AsyncClient) -> None:
        self.cast = cast
        self.client = client

    async def call(
        self, who: str, method: str, path: str = "", body: object = None, **query: object
    ) -> httpx.Response:
        """One request; `path` is below /messaging/conversations."""
        return await self.client.request(
            method,
            CONVERSATIONS + path,
            json=body,
            params={name: str(value) for name, value in query.items()},
            headers=self.headers(who),
        )

    async def get(self, who: str, path: str = "", **query: object) -> httpx.Response:
        return await self.call(who, "GET", path, **query)

    async def open(self, who: str = "dan", parcel: int = 0, **body: object) -> dict[str, Any]:
        """Open the conversation of one of Acme's deliveries."""
        body = {"delivery_id": self.cast.acme.deliveries[parcel].id, **body}
        response = await self.call(who, "POST", body=body)
        assert response.status_code in (200, 201), response.text
        opened: dict[str, Any] = response.json()["conversation"]
        return opened

    async def send(self, who: str, conversation_id: str, **body: object) -> httpx.Response:
        return await self.call(who, "POST", f"/{conversation_id}/messages", body)

    async def send_text(self, who: str, conversation_id: str, text: str) -> dict[str, Any]:
        """Send a message, which must succeed; return it."""
        response = await self.send(who, conversation_id, content=text)
        assert response.status_code == 201, response.text
        sent: dict[str, Any] = response.json()["data"]
        return sent

    async def close(self, conversation_id: str) -> None:
        """Close a conversation, which this dialect cannot."""
        actor = operator(self.cast.acme.tenant.id)
        await conversations.change(
            self.cast.engine, actor, conversation_id, ConversationChanges(status="closed")
        )

    async def create_user(self, name: str, role: str | None, *permissions: str) -> str:
        """Create a user of Acme with these permissions; return its id."""
        acme = self.cast.acme
        words = "[" + ",".join(f'"{each}"' for each in permissions) + "]"
        new = NewIdentity(
            kind="user", name=name.title(), role=role, permissions=words,
            email=f"{name}-{new_id()}@team.test",
        )  # fmt: skip
        acme.people[name] = await directory.create(self.cast.engine, operator(acme.tenant.id), new)
        return acme.id(name)

    def headers(self, who: str) -> dict[str, str]:
        """The token of a user of Acme, `rival:<name>`, or `root`, the system administrator."""
        if who == "root":
            token = self.cast.engine.signer.sign({"sub": new_id(), "is_system_admin": True}, 600)
            return {"Authorization": f"Bearer {token}"}
        company, _, name = who.rpartition(":")
        of = getattr(self.cast, company or "acme")
        token = sessions.access_token(self.cast.engine, of.tenant.id, of.people[name], 600)
        return {"Authorization": f"Bearer {token}"}

    def id(self, name: str) -> str:
        return self.cast.acme.id(name)

    @property
    def tenant(self) -> str:
        return self.cast.acme.tenant.id


@pytest.fixture
async def delivery_client(db: Database) -> AsyncIterator[DeliveryClient]:
    cast = await make_cast(db)
    async with http(cast.engine, DeliveryDialect()) as client:
        yield DeliveryClient(cast, client)
