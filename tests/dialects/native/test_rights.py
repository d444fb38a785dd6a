"""What is taken away is felt by those who follow already: on this node and on another, within the
five seconds that are promised."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
from msgspec import Struct

from koine.dialects.native import NativeDialect
from koine.engine.auth import sessions
from koine.engine.core import context as engines
from koine.engine.login.jwt import TokenSigner
from koine.engine.people import directory
from koine.kit.ids import new_id
from koine.store.core.db import Database
from tests.cast import PASSWORD, Cast, make_cast
from tests.dialects.native.realtime.test_encoder import open_conversation, send_message
from tests.dialects.native.sse_client import SseClient, SseEvent, follow_stream
from tests.support.live_server import Live, live

MAX_SECONDS = 5.0


class Nodes(Struct):
    """Two nodes of one database, and a client of the first."""

    cast: Cast
    servers: list[Live]
    client: httpx.AsyncClient
    stack: AsyncExitStack

    async def follow(self, headers: dict[str, str]) -> list[SseClient]:
        """A stream on each node that has begun."""
        found = []
        for server in self.servers:
            found.append(await self.stack.enter_async_context(follow_stream(server.url, headers)))
            await found[-1].until("ready")
        return found

    async def request(
        self, method: str, path: str, body: object = None, who: str = "ada"
    ) -> httpx.Response:
        """An answer to Ada, at the first node."""
        answer = await self.client.request(method, path, json=body, headers=self.cast.bearer(who))
        assert answer.status_code < 300, answer.text
        return answer


@pytest.fixture
async def nodes(db: Database) -> AsyncIterator[Nodes]:
    cast = await make_cast(db, None, login_rate_limit_per_minute=0)
    other = await engines.open_engine(
        db, cast.clock, cast.engine.settings, cast.engine.webhook_formats
    )
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(live(engine, NativeDialect()))
            for engine in (cast.engine, other)
        ]
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=servers[0].url))
        async with AsyncExitStack() as streams:
            yield Nodes(cast, servers, client, streams)


async def close_reasons(streams: list[SseClient]) -> list[str]:
    """Why each of them ended, all within the time promised."""
    told = await asyncio.gather(*(each.until("closing", MAX_SECONDS) for each in streams))
    return [lines[-1].data["reason"] for lines in told]


async def create_logged_in_user(nodes: Nodes) -> tuple[str, dict[str, str]]:
    """The id of a user who has logged in, and what the login gave."""
    email = f"{new_id()}@team.test"
    body = {"name": "Nell", "email": email, "password": PASSWORD, "role": "agent"}
    made = (await nodes.request("POST", "/v1/users", body)).json()
    answer = await nodes.client.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
    return made["id"], answer.json()


async def block(nodes: Nodes, who: str, login: dict[str, str]) -> None:
    await nodes.request("PATCH", f"/v1/users/{who}", {"blocked": True})


async def remove(nodes: Nodes, who: str, login: dict[str, str]) -> None:
    await nodes.request("DELETE", f"/v1/users/{who}")


async def log_out(nodes: Nodes, who: str, login: dict[str, str]) -> None:
    await nodes.request("POST", "/v1/auth/logout", {"refresh_token": login["refresh_token"]})


async def give_a_new_password(nodes: Nodes, who: str, login: dict[str, str]) -> None:
    await nodes.request("PATCH", f"/v1/users/{who}", {"password": f"another {PASSWORD}"})


async def use_a_refresh_token_twice(nodes: Nodes, who: str, login: dict[str, str]) -> None:
    body = {"refresh_token": login["refresh_token"]}
    await nodes.request("POST", "/v1/auth/refresh", body)
    assert (await nodes.client.post("/v1/auth/refresh", json=body)).status_code == 401


ENDS = [block, remove, log_out, give_a_new_password, use_a_refresh_token_twice]


@pytest.mark.parametrize("end", ENDS)
async def test_a_login_that_ends_ends_its_streams(
    nodes: Nodes, end: Callable[[Nodes, str, dict[str, str]], Awaitable[None]]
) -> None:
    who, login = await create_logged_in_user(nodes)
    streams = await nodes.follow({"Authorization": f"Bearer {login['access_token']}"})
    bystanders = await nodes.follow(nodes.cast.bearer("ada"))
    await end(nodes, who, login)
    assert await close_reasons(streams) == ["revoked", "revoked"]
    for each in bystanders:
        assert "closing" not in [line.kind for line in await each.rest(0.2)]


async def test_a_revoked_key_ends_its_streams(nodes: Nodes) -> None:
    body = {"name": "k", "permissions": ["read:conversations"]}
    made = (await nodes.request("POST", "/v1/api-keys", body)).json()
    streams = await nodes.follow({"X-API-Key": made["secret"]})
    await nodes.request("DELETE", f"/v1/api-keys/{made['id']}")
    assert await close_reasons(streams) == ["revoked", "revoked"]


async def test_a_key_ends_its_streams_with_its_maker(nodes: Nodes) -> None:
    who, _ = await create_logged_in_user(nodes)
    await nodes.request("PATCH", f"/v1/users/{who}", {"role": "tenant_admin"})
    token = sessions.access_token(
        nodes.cast.engine,
        nodes.cast.acme.tenant.id,
        await directory.get(nodes.cast.engine, nodes.cast.acme.actor("ada"), who, "user"),
        3600,
    )
    body = {
        "name": "k", "permissions": ["read:conversations"], "user_id": nodes.cast.acme.id("dan"),
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {token}"}
    made = await nodes.client.post("/v1/api-keys", json=body, headers=headers)
    streams = await nodes.follow({"X-API-Key": made.json()["secret"]})
    await nodes.request("DELETE", f"/v1/users/{who}")
    assert await close_reasons(streams) == ["revoked", "revoked"]


async def test_a_key_goes_with_its_user(nodes: Nodes) -> None:
    streams = await nodes.follow({"X-API-Key": nodes.cast.acme.key})
    await nodes.request("DELETE", f"/v1/users/{nodes.cast.acme.id('alice')}")
    assert await close_reasons(streams) == ["revoked", "revoked"]


async def test_who_is_put_out_is_told_so_and_then_nothing(nodes: Nodes) -> None:
    talk = await open_conversation(nodes.client, nodes.cast, "dan", "cleo")
    streams = await nodes.follow(nodes.cast.bearer("dan"))
    await nodes.request(
        "DELETE", f"/v1/conversations/{talk}/participants/{nodes.cast.acme.id('dan')}"
    )
    await send_message(nodes.client, nodes.cast, talk, "about Dan")
    for each in streams:
        told = await events_of(each, talk)
        assert [line.kind for line in told if line.kind != "conversation.created"] == [
            "conversation.removed"
        ]


async def test_another_role_hears_what_it_may(nodes: Nodes) -> None:
    talk = await open_conversation(nodes.client, nodes.cast, "cleo")
    streams = await nodes.follow(nodes.cast.bearer("dan"))
    path = f"/v1/users/{nodes.cast.acme.id('dan')}"
    await nodes.request("PATCH", path, {"role": "agent"})
    await send_message(nodes.client, nodes.cast, talk, "heard", private=True)
    for each in streams:
        told = {line.kind: line.data for line in await each.until("message.created", MAX_SECONDS)}
        assert told["identity.updated"]["data"]["user"]["role"] == "agent"
    await nodes.request("PATCH", path, {"role": "driver"})
    await send_message(nodes.client, nodes.cast, talk, "not heard")
    for each in streams:
        assert [line.kind for line in await events_of(each, talk)] == []


async def test_an_issuer_that_is_trusted_no_more_ends_the_streams_of_its_tokens(
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


async def events_of(stream: SseClient, talk: str) -> list[SseEvent]:
    """All that is told of a conversation by now."""
    return [line for line in await stream.rest(1.0) if line.data.get("conversation_id") == talk]
