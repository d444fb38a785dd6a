"""The unmodified npm client of ActionCable against a server of its own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import Struct

from chaos.seed import home_engine, seed
from chaos.seeded_tenant import SeededTenant
from chaos.servers import Server, ServerHome, nodes
from koine.engine.conversations import messages
from koine.kit.ids import new_id
from koine.model.actor import operator
from koine.model.message import Draft
from tests.support.node import Page, page

CHANNEL = {"channel": "RoomChannel"}


class Setting(Struct):
    """A server, its tenant, and Carol's token."""

    home: ServerHome
    server: Server
    tenant: SeededTenant
    token: str

    async def request(self, method: str, path: str, who: str = "alice", **body: object) -> Any:
        """Make a request as a user of the tenant, which must succeed."""
        async with httpx.AsyncClient(base_url=self.server.url) as web:
            headers = self.tenant.bearer(who)
            response = await web.request(method, path, json=body, headers=headers)
            assert response.is_success, response.text
            return response.json()

    def page(self) -> Any:
        """A page that is open at this server."""
        return page(f"{self.server.url.replace('http', 'ws')}/cable")


@pytest.fixture
async def setting(tmp_path: Path) -> AsyncIterator[Setting]:
    """A `koine serve` on SQLite: these tests are about the client. What it is sent, and sent again
    after an event id, is tested on both databases by test_actioncable.py."""
    home = ServerHome(tmp_path)
    tenant = await seed(home, 1)
    async with nodes(home) as (server,):
        path = tenant.contact_path.removesuffix("/conversations")
        async with httpx.AsyncClient(base_url=server.url) as web:
            token = (await web.get(path)).json()["pubsub_token"]
        yield Setting(home, server, tenant, token)


async def subscribed(client: Page, token: str, who: str = "carol") -> None:
    await client.do("subscribe", who, **CHANNEL, pubsub_token=token)
    assert await client.until("connected") == {"reconnected": False}


async def test_the_client_receives_agents_messages_from_every_api(setting: Setting) -> None:
    conversation = setting.tenant.conversations[0]
    async with setting.page() as client:
        await subscribed(client, setting.token)
        await setting.request(
            "POST", f"/v1/conversations/{conversation.id}/messages", content="By native"
        )
        event = await client.until("received", "message.created")
        assert (event["data"]["content"], event["data"]["sender"]["type"]) == ("By native", "user")
        await setting.request(
            "POST", f"/api/v1/conversations/{conversation.id}/messages", text="By helpdesk"
        )
        event = await client.until("received", "message.created")
        assert event["data"]["content"] == "By helpdesk"
        assert event["data"]["conversation_id"] == conversation.number and event["event_id"]


async def test_the_client_reconnects_by_itself_and_misses_nothing(setting: Setting) -> None:
    async with setting.page() as client:
        await subscribed(client, setting.token)
        first = await client.until("received", "presence.update")
        setting.server.kill()
        assert await client.until("disconnected") == {"willAttemptReconnect": True}
        async with home_engine(setting.home) as engine:
            draft = Draft(content="While it was down", sender_id=setting.tenant.ids["alice"])
            operator_actor = operator(setting.tenant.tenant_id)
            await messages.send(engine, operator_actor, setting.tenant.conversations[0].id, draft)
        setting.server.start()
        await setting.server.wait_ready()
        assert await client.until("connected", wait=30) == {"reconnected": True}
        event = await client.until("received", "message.created")
        assert event["data"]["content"] == "While it was down"
        assert first["event_id"] != event["event_id"]


async def test_an_unknown_token_is_rejected_and_unsubscribe_ends_the_events(
    setting: Setting,
) -> None:
    conversation = setting.tenant.conversations[0]
    async with setting.page() as client:
        await client.do("subscribe", "nobody", **CHANNEL, pubsub_token=new_id())
        event = await client.next()
        assert (event["subscription"], event["callback"]) == ("nobody", "rejected")
        await subscribed(client, setting.token)
        await client.until("received", "presence.update")
        await client.do("perform", "carol", action="update_presence")
        assert (await client.until("received", "presence.update"))["data"]["users"] == {}
        await client.do("unsubscribe", "carol")
        await asyncio.sleep(0.5)
        await setting.request(
            "POST", f"/v1/conversations/{conversation.id}/messages", content="Anybody?"
        )
        with pytest.raises(TimeoutError):
            await client.next(0.5)


async def test_the_client_reconnects_after_the_server_restarts(setting: Setting) -> None:
    async with setting.page() as client:
        await subscribed(client, setting.token)
        assert await setting.server.terminate() == 0
        assert await client.until("disconnected") == {"willAttemptReconnect": True}
        setting.server.start()
        await setting.server.wait_ready()
        assert await client.until("connected", wait=30) == {"reconnected": True}
