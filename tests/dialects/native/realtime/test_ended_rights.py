"""A credential or right that ends also ends, or narrows, the open streams: on this node and on
another, within the five seconds that docs/streams.md promises."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
from msgspec import Struct

from koine.dialects.native import NativeDialect
from koine.engine.auth import sessions
from koine.engine.core.engine import open_engine
from koine.engine.people import directory
from koine.engine.verification.jwt import TokenSigner
from koine.event_log import log_reader
from koine.kit.ids import new_id
from koine.store.core.db import Database
from tests.cast import PASSWORD, Cast, make_cast
from tests.dialects.native.api_client import open_conversation, send_message
from tests.dialects.native.sse_client import SseClient, SseEvent, follow_stream
from tests.support.live_server import Live, live

MAX_SECONDS = 15.0
"""Seconds to wait for an event: another test on the same PostgreSQL may hold the log back."""


class Nodes(Struct):
    """Two nodes of one database, and a client of the first."""

    cast: Cast
    servers: list[Live]
    client: httpx.AsyncClient
    stack: AsyncExitStack

    async def follow(self, headers: dict[str, str]) -> list[SseClient]:
        """A stream on each node, after its `ready`."""
        streams = []
        for server in self.servers:
            streams.append(await self.stack.enter_async_context(follow_stream(server.url, headers)))
            await streams[-1].until("ready")
        return streams

    async def request(
        self, method: str, path: str, body: object = None, who: str = "ada"
    ) -> httpx.Response:
        """The response to a request at the first node."""
        response = await self.client.request(method, path, json=body, headers=self.cast.bearer(who))
        assert response.status_code < 300, response.text
        return response


@pytest.fixture
async def nodes(db: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Nodes]:
    # Nothing wakes the first node's reader: the database has one `after_commit`.
    monkeypatch.setattr(log_reader, "POLL_SECONDS", 0.05)
    cast = await make_cast(db, None, login_rate_limit_per_minute=0)
    other = await open_engine(db, cast.clock, cast.engine.settings, cast.engine.webhook_formats)
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(live(engine, NativeDialect()))
            for engine in (cast.engine, other)
        ]
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=servers[0].url))
        async with AsyncExitStack() as streams:
            yield Nodes(cast, servers, client, streams)


async def close_reasons(streams: list[SseClient]) -> list[str]:
    """Why the server closed each of them, within MAX_SECONDS."""
    received = await asyncio.gather(*(each.until("closing", MAX_SECONDS) for each in streams))
    return [events[-1].data["reason"] for events in received]


async def create_logged_in_user(nodes: Nodes) -> tuple[str, dict[str, str]]:
    """The id of a new user, and the tokens of its login."""
    email = f"{new_id()}@team.test"
    body = {"name": "Nell", "email": email, "password": PASSWORD, "role": "agent"}
    created = (await nodes.request("POST", "/v1/users", body)).json()
    response = await nodes.client.post(
        "/v1/auth/login", json={"email": email, "password": PASSWORD}
    )
    return created["id"], response.json()


async def block(nodes: Nodes, user_id: str, login: dict[str, str]) -> None:
    await nodes.request("PATCH", f"/v1/users/{user_id}", {"blocked": True})


async def remove(nodes: Nodes, user_id: str, login: dict[str, str]) -> None:
    await nodes.request("DELETE", f"/v1/users/{user_id}")


async def log_out(nodes: Nodes, user_id: str, login: dict[str, str]) -> None:
    await nodes.request("POST", "/v1/auth/logout", {"refresh_token": login["refresh_token"]})


async def set_password(nodes: Nodes, user_id: str, login: dict[str, str]) -> None:
    await nodes.request("PATCH", f"/v1/users/{user_id}", {"password": f"another {PASSWORD}"})


async def use_a_refresh_token_twice(nodes: Nodes, user_id: str, login: dict[str, str]) -> None:
    body = {"refresh_token": login["refresh_token"]}
    await nodes.request("POST", "/v1/auth/refresh", body)
    assert (await nodes.client.post("/v1/auth/refresh", json=body)).status_code == 401


ENDS = [block, remove, log_out, set_password, use_a_refresh_token_twice]


@pytest.mark.parametrize("end", ENDS)
async def test_the_end_of_a_login_closes_its_streams(
    nodes: Nodes, end: Callable[[Nodes, str, dict[str, str]], Awaitable[None]]
) -> None:
    user_id, login = await create_logged_in_user(nodes)
    streams = await nodes.follow({"Authorization": f"Bearer {login['access_token']}"})
    bystanders = await nodes.follow(nodes.cast.bearer("ada"))
    await end(nodes, user_id, login)
    assert await close_reasons(streams) == ["revoked", "revoked"]
    marker = await send_marker(nodes)
    for each in bystanders:
        assert "closing" not in [event.kind for event in await events_until(each, marker)]


async def test_the_revocation_of_an_api_key_closes_its_streams(nodes: Nodes) -> None:
    body = {"name": "k", "permissions": ["read:conversations"]}
    created = (await nodes.request("POST", "/v1/api-keys", body)).json()
    streams = await nodes.follow({"X-API-Key": created["secret"]})
    await nodes.request("DELETE", f"/v1/api-keys/{created['id']}")
    assert await close_reasons(streams) == ["revoked", "revoked"]


async def test_the_removal_of_the_creator_closes_the_streams_of_an_api_key(nodes: Nodes) -> None:
    user_id, _ = await create_logged_in_user(nodes)
    await nodes.request("PATCH", f"/v1/users/{user_id}", {"role": "tenant_admin"})
    token = sessions.access_token(
        nodes.cast.engine,
        nodes.cast.acme.tenant.id,
        await directory.get(nodes.cast.engine, nodes.cast.acme.actor("ada"), user_id, "user"),
        3600,
    )
    body = {
        "name": "k", "permissions": ["read:conversations"], "user_id": nodes.cast.acme.id("dan"),
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {token}"}
    created = await nodes.client.post("/v1/api-keys", json=body, headers=headers)
    streams = await nodes.follow({"X-API-Key": created.json()["secret"]})
    await nodes.request("DELETE", f"/v1/users/{user_id}")
    assert await close_reasons(streams) == ["revoked", "revoked"]


async def test_the_removal_of_the_user_closes_the_streams_of_an_api_key(nodes: Nodes) -> None:
    streams = await nodes.follow({"X-API-Key": nodes.cast.acme.key})
    await nodes.request("DELETE", f"/v1/users/{nodes.cast.acme.id('alice')}")
    assert await close_reasons(streams) == ["revoked", "revoked"]


async def test_a_removed_participant_receives_the_removal_and_then_nothing(nodes: Nodes) -> None:
    conversation_id = await open_conversation(nodes.client, nodes.cast, "dan", "cleo")
    streams = await nodes.follow(nodes.cast.bearer("dan"))
    await nodes.request(
        "DELETE", f"/v1/conversations/{conversation_id}/participants/{nodes.cast.acme.id('dan')}"
    )
    await send_message(nodes.client, nodes.cast, conversation_id, "about Dan")
    marker = await send_marker(nodes)
    for each in streams:
        events = of_conversation(await events_until(each, marker), conversation_id)
        assert [event.kind for event in events if event.kind != "conversation.created"] == [
            "conversation.removed"
        ]


async def test_a_change_of_role_changes_the_events(nodes: Nodes) -> None:
    conversation_id = await open_conversation(nodes.client, nodes.cast, "cleo")
    streams = await nodes.follow(nodes.cast.bearer("dan"))
    path = f"/v1/users/{nodes.cast.acme.id('dan')}"
    await nodes.request("PATCH", path, {"role": "agent"})
    await send_message(nodes.client, nodes.cast, conversation_id, "as agent", private=True)
    for each in streams:
        events = {
            event.kind: event.data for event in await each.until("message.created", MAX_SECONDS)
        }
        assert events["identity.updated"]["data"]["user"]["role"] == "agent"
    await nodes.request("PATCH", path, {"role": "driver"})
    await send_message(nodes.client, nodes.cast, conversation_id, "as driver")
    marker = await send_marker(nodes)
    for each in streams:
        assert of_conversation(await events_until(each, marker), conversation_id) == []


async def test_the_removal_of_a_token_issuer_closes_the_streams_of_its_tokens(
    nodes: Nodes,
) -> None:
    secret, acme = "s" * 48, nodes.cast.acme
    issuer = {"algorithm": "HS256", "key": secret, "issuer": "us", "audience": "koine"}
    await nodes.request("PATCH", "/v1/tenant", {"settings": {"token_issuer": issuer}})
    signer = TokenSigner(secret, "us", "koine", nodes.cast.clock)
    claims = {"sub": acme.id("dan"), "tenant_id": acme.tenant.id, "role": "driver"}
    token = signer.sign(claims, 3600)
    streams = await nodes.follow({"Authorization": f"Bearer {token}"})
    await nodes.request("PATCH", "/v1/tenant", {"settings": {"token_issuer": None}})
    assert await close_reasons(streams) == ["revoked", "revoked"]


async def send_marker(nodes: Nodes) -> str:
    """A message that Dan and staff receive, behind all events so far; the id of its conversation.
    A stream sends the events of the log in their order."""
    marker = await open_conversation(nodes.client, nodes.cast, "dan")
    await send_message(nodes.client, nodes.cast, marker, "all before this was sent")
    return marker


async def events_until(stream: SseClient, marker: str) -> list[SseEvent]:
    """The events of a stream before the marker."""
    events: list[SseEvent] = []
    while not events or events[-1].data.get("conversation_id") != marker:
        events += await stream.until("message.created", MAX_SECONDS)
        assert events[-1].kind == "message.created", "the stream ended"
    return events


def of_conversation(events: list[SseEvent], conversation_id: str) -> list[SseEvent]:
    """The events that concern a conversation."""
    return [event for event in events if event.data.get("conversation_id") == conversation_id]
