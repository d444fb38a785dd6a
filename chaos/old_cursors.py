"""Streams resume from an old cursor that is followed by many events of other conversations.

The rig measures the server's CPU time and the number of events that it reads for each stream until
it has caught up. Events that the reader may not see must cost nearly nothing: the query of the
backlog selects the reader's own conversations instead of reading the log in order.
"""

import asyncio
import re

import httpx
from msgspec import Struct

from chaos.http_client import HOST, Request, get, send_request
from chaos.process_stats import cpu_seconds
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import home_engine, seed_tenant
from chaos.seeded_tenant import SeededTenant
from chaos.servers import Server, ServerHome, nodes
from koine.engine.conversations import conversations, messages
from koine.engine.core.engine import Engine
from koine.model.actor import operator
from koine.model.conversation import NewConversation
from koine.model.cursor import Cursor
from koine.model.message import Draft
from koine.store.events import event_log_state, events

READERS = 20
EVENTS = 100_000
MAX_CPU_S = 0.2
"""Seconds of CPU that one reader may cost."""
MAX_OWN_EVENTS = 60
"""Events that may be read for one reader: its own, and those that come meanwhile."""
LAST_TEXT = "the last message"
_TOKEN = "the metrics token of this rig"
_AT_ONCE = 200
_TIMEOUT_S = 300.0
_CAUGHT_UP = re.compile(r"^koine_events_caught_up_total\{.*\} ([0-9.e+]+)", re.M)


class CatchUpResult(Struct, frozen=True):
    """What it cost until all readers had caught up: the server's CPU seconds and the events read,
    for each reader; `missed` counts readers that did not receive their last message."""

    readers: int
    events: int
    cpu_s: float
    events_read: float
    missed: int

    @property
    def ok(self) -> bool:
        """Nobody missed a message, and the events of others cost nearly nothing."""
        return not self.missed and self.cpu_s <= MAX_CPU_S and self.events_read <= MAX_OWN_EVENTS


async def run(settings: RigSettings) -> Figure:
    """Measure one server on SQLite."""
    count = settings.trials(EVENTS, 500)
    result = await catch_up(ServerHome(settings.folder), READERS, count)
    return Figure(
        rig=RIG.name,
        params={"readers": READERS, "events": count},
        counts={name: getattr(result, name) for name in result.__struct_fields__},
        ok=result.ok,
        line=f"{result.readers} readers over {result.events:,} events of others: "
        f"{result.cpu_s:.3f} s of CPU and {result.events_read:.1f} events read for each, "
        f"{result.missed} missed anything",
    )


async def catch_up(home: ServerHome, readers: int, count: int, *, fault: str = "") -> CatchUpResult:
    """Fill the log, let `readers` resume from a cursor before that, and measure the cost."""
    async with home_engine(home) as engine:
        tenant = await seed_tenant(engine, 1)
        cursor = await _cursor(engine)
        await _write_events(engine, tenant, count)
    async with nodes(home, settings={"metrics_token": _TOKEN}, fault=fault) as (server,):
        await _send(server, tenant, LAST_TEXT)
        cpu_before_s, events_read_before = cpu_seconds(server.pid), await _events_read(server)
        received = await asyncio.gather(*(_follow(server, tenant, cursor) for _ in range(readers)))
        return CatchUpResult(
            readers=readers,
            events=count,
            cpu_s=round((cpu_seconds(server.pid) - cpu_before_s) / readers, 4),
            events_read=round((await _events_read(server) - events_read_before) / readers, 1),
            missed=received.count(False),
        )


async def _cursor(engine: Engine) -> str:
    epoch = await engine.db.write("", event_log_state.epoch, await engine.db.timeline_id())
    return str(Cursor(epoch, (await engine.db.read("", events.log_snapshot)).last))


async def _write_events(engine: Engine, tenant: SeededTenant, count: int) -> None:
    """Write `count` messages to a conversation in which Dan does not take part."""
    actor = operator(tenant.tenant_id)
    new = NewConversation(owner_id=tenant.ids["carol"])
    conversation = await conversations.create(engine, actor, new)
    draft = Draft(content="not visible to Dan", sender_id=tenant.ids["alice"])
    for first in range(0, count, _AT_ONCE):
        batch = range(min(_AT_ONCE, count - first))
        await asyncio.gather(*(messages.send(engine, actor, conversation.id, draft) for _ in batch))


async def _send(server: Server, tenant: SeededTenant, text: str) -> None:
    """Send a message that Dan receives."""
    path = f"/v1/conversations/{tenant.conversations[0].id}/messages"
    response = await send_request(
        server.port, Request("POST", path, tenant.bearer("alice"), {"content": text})
    )
    assert response.status == httpx.codes.CREATED, response


async def _follow(server: Server, tenant: SeededTenant, cursor: str) -> bool:
    """Whether Dan receives the last message, after all the events of others."""
    url, headers = f"http://{HOST}:{server.port}/v1/events", tenant.bearer("dan")
    try:
        async with (
            asyncio.timeout(_TIMEOUT_S),
            httpx.AsyncClient(timeout=_TIMEOUT_S) as client,
            client.stream("GET", url, params={"cursor": cursor}, headers=headers) as response,
        ):
            async for line in response.aiter_lines():
                if LAST_TEXT in line:
                    return True
    except (httpx.TransportError, TimeoutError):
        return False
    return False


async def _events_read(server: Server) -> float:
    page = await get(server.port, "/metrics", {"Authorization": f"Bearer {_TOKEN}"})
    assert page.status == httpx.codes.OK, page
    return sum(float(each) for each in _CAUGHT_UP.findall(page.body.decode()))


RIG = Rig(
    name="old_cursors",
    title="20 clients resume from a cursor that is followed by 100,000 events of others",
    goal="at most 0.2 s of CPU each, and only their own events read",
    run=run,
)
