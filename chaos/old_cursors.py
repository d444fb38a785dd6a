"""Readers come with an old cursor, behind which the log is full of what others said."""

import asyncio
import os
import re
from pathlib import Path

import httpx
from msgspec import Struct

from chaos.http_client import HOST, Request, ask, get
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import SeededTenant, open_engine, seed_tenant
from chaos.servers import Server, ServerHome, nodes
from koine.engine.conversations import conversations, messages
from koine.engine.core.context import Engine
from koine.model.actor import operator
from koine.model.conversation import NewConversation
from koine.model.cursor import Cursor
from koine.model.message import Draft
from koine.store.events import event_log_state, events

READERS = 20
EVENTS = 100_000
CPU_S = 0.2
"""What one reader may cost."""
OWN_AT_MOST = 60
"""Events of its own that a reader may be given: those it has, and what comes meanwhile."""
_TOKEN = "for the rig alone, and nobody else"
_AT_ONCE = 200
_WITHIN = 300.0
_CAUGHT_UP = re.compile(r"^koine_events_caught_up_total\{.*\} ([0-9.e+]+)", re.M)


class CatchUpResult(Struct, frozen=True):
    """What it took until every reader was where the log is: seconds of the server's CPU and events
    looked at, for each reader; `missed` counts readers that were not told their last message."""

    readers: int
    events: int
    cpu_s: float
    looked_at: float
    missed: int

    @property
    def ok(self) -> bool:
        """Nobody missed anything, and the events of others cost nearly nothing."""
        return not self.missed and self.cpu_s <= CPU_S and self.looked_at <= OWN_AT_MOST


async def run(settings: RigSettings) -> Figure:
    """One server on SQLite."""
    count = settings.trials(EVENTS, 2_000)
    done = await catch_up(ServerHome(settings.folder), READERS, count)
    return Figure(
        rig=RIG.name,
        params={"readers": READERS, "events": count},
        counts={name: getattr(done, name) for name in done.__struct_fields__},
        ok=done.ok,
        line=f"{done.readers} readers over {done.events:,} events of others: {done.cpu_s:.3f} s of "
        f"CPU and {done.looked_at:.1f} events read for each, {done.missed} missed anything",
    )


async def catch_up(
    home: ServerHome, readers: int, count: int, *, sabotage: str = ""
) -> CatchUpResult:
    """Fill the log, let everybody come with the cursor of before, and see what it takes."""
    async with open_engine(home) as engine:
        seeded = await seed_tenant(engine, 1)
        cursor = await _cursor(engine)
        await _write_events(engine, seeded, count)
    async with nodes(home, settings={"metrics_token": _TOKEN}, sabotage=sabotage) as (server,):
        await _send(server, seeded, "before anyone came")
        cpu, looked = _cpu_s(server.pid), await _events_read(server)
        told = await asyncio.gather(*(_follow(server, seeded, cursor) for _ in range(readers)))
        return CatchUpResult(
            readers=readers,
            events=count,
            cpu_s=round((_cpu_s(server.pid) - cpu) / readers, 4),
            looked_at=round((await _events_read(server) - looked) / readers, 1),
            missed=told.count(False),
        )


async def _cursor(engine: Engine) -> str:
    epoch = await engine.db.write("", event_log_state.epoch, await engine.db.timeline_id())
    return str(Cursor(epoch, (await engine.db.read("", events.log_snapshot)).last))


async def _write_events(engine: Engine, seeded: SeededTenant, count: int) -> None:
    """Carol and Alice conversation without Dan."""
    boss = operator(seeded.tenant_id)
    new = NewConversation(owner_id=seeded.ids["carol"])
    theirs = await conversations.create(engine, boss, new)
    draft = Draft(content="not for Dan", sender_id=seeded.ids["alice"])
    for first in range(0, count, _AT_ONCE):
        some = range(min(_AT_ONCE, count - first))
        await asyncio.gather(*(messages.send(engine, boss, theirs.id, draft) for _ in some))


async def _send(server: Server, seeded: SeededTenant, text: str) -> None:
    """Say something that Dan is told."""
    path = f"/v1/conversations/{seeded.conversations[0].id}/messages"
    reply = await ask(server.port, Request("POST", path, seeded.bearer("alice"), {"content": text}))
    assert reply.status == httpx.codes.CREATED, reply


async def _follow(server: Server, seeded: SeededTenant, cursor: str) -> bool:
    """Whether Dan is told what was said last, behind all that others said."""
    url, headers = f"http://{HOST}:{server.port}/v1/events", seeded.bearer("dan")
    try:
        async with (
            asyncio.timeout(_WITHIN),
            httpx.AsyncClient(timeout=_WITHIN) as client,
            client.stream("GET", url, params={"cursor": cursor}, headers=headers) as answer,
        ):
            async for line in answer.aiter_lines():
                if "before anyone came" in line:
                    return True
    except (httpx.TransportError, TimeoutError):
        return False
    return False


async def _events_read(server: Server) -> float:
    page = await get(server.port, "/metrics", {"Authorization": f"Bearer {_TOKEN}"})
    assert page.status == httpx.codes.OK, page
    return sum(float(each) for each in _CAUGHT_UP.findall(page.body.decode()))


def _cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


RIG = Rig(
    name="old_cursors",
    title="20 clients resume from a cursor that is followed by 100,000 events of others",
    goal="at most 0.2 s of CPU each, and only their own events read",
    run=run,
)
