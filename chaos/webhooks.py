"""Webhooks to a receiver that fails, by senders that are killed, over the whole schedule."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from msgspec import Struct
from sqlalchemy import func, select

from chaos.flaky_consumer import Consumer, flaky_consumer
from chaos.http_client import HOST
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import SeededTenant, open_engine, seed_tenant
from chaos.servers import ServerHome
from chaos.webhook_processes import SteppedClock, WebhookProcess
from koine.engine.conversations import messages
from koine.engine.core.context import Engine
from koine.engine.webhooks import endpoints
from koine.engine.webhooks.endpoints import NewEndpoint
from koine.kit.times import HOUR, SECOND
from koine.model.actor import operator
from koine.model.message import Draft
from koine.store.core.db import Tx
from koine.store.core.statements import Query
from koine.store.tables import webhook_deliveries
from koine.store.tables import webhook_endpoints as hooks_table
from koine.store.webhooks import delivery_queue
from tests.support.postgres import running_postgres

EVENTS = 50_000
ENDPOINTS = 20
SENDERS = 2
CONVERSATIONS = 5
CLIENTS = 16
TIMEOUT_S = 0.3
"""How long a post may take: as long as a receiver that hangs holds everything up."""
LIVES_S = (0.3, 1.5)
"""How long a sender lives, in seconds: from and to."""
LOOK_EVERY_S = 0.02
QUIET_LOOKS = 5
"""So many looks in a row at which nothing is due, and the time is moved on."""
PATIENCE_S = 600.0
ALLOWED = {"outbound_allow": HOST}
_EVERY = "the rig looks at all its tenants at once"


class Delivered(Struct, frozen=True):
    """What came of `events`. `posts` counts those that went well, each
    kind of failure, and those that the consumer knew already."""

    events: int
    lost: int
    doubled: int
    kills: int
    hours: float
    posts: dict[str, int]

    @property
    def ok(self) -> bool:
        """Everything took effect once."""
        return not self.lost and not self.doubled

    @property
    def failed(self) -> int:
        """How many posts failed."""
        return sum(self.posts.values()) - self.posts.get("known", 0) - self.posts.get("well", 0)


async def run(settings: RigSettings) -> Figure:
    """On PostgreSQL, by two senders; the clock is moved over all tries of every event."""
    events = settings.trials(EVENTS, 300)
    with running_postgres() as cluster:
        home = ServerHome(settings.folder, cluster.new_database())
        done = await deliver(home, events, settings.random(), senders=SENDERS)
    return Figure(
        rig=RIG.name,
        params={"events": events, "endpoints": ENDPOINTS, "senders": SENDERS},
        counts={"lost": done.lost, "doubled": done.doubled, "kills": done.kills, **done.posts},
        ok=done.ok,
        line=f"{done.events:,} events over {done.hours:,.0f} hours of schedule, {done.failed:,} "
        f"requests failed, {done.kills:,} kills, {done.posts.get('known', 0):,} repeats: "
        f"{done.lost:,} lost, {done.doubled:,} double effects",
    )


async def deliver(
    home: ServerHome,
    events: int,
    dice: random.Random,
    *,
    senders: int = 1,
    endpoints: int = ENDPOINTS,
    once: bool = True,
    sabotage: str = "",
) -> Delivered:
    """Have `events` told to `endpoints` of as many tenants, and compare. `once=False` is a consumer
    that does not look whether it knows an event; `sabotage` names broken senders."""
    clock = SteppedClock(home.folder / "clock")
    consumer = Consumer(home.folder / "consumer.db", dice, lambda: clock.now() / SECOND, once=once)
    settings = home.settings(ALLOWED)
    made = [
        WebhookProcess(settings, home.folder / "clock", timeout_s=TIMEOUT_S, sabotage=sabotage)
        for _ in range(senders)
    ]
    async with (
        flaky_consumer(consumer),
        open_engine(home, ALLOWED) as engine,
        killed(made, dice, consumer),
    ):
        towns = [await _seeded(engine, consumer, number) for number in range(endpoints)]
        told = await _say(engine, towns, events)
        await _through(engine, clock, len(told))
    effects = consumer.processed()
    return Delivered(
        events=len(told),
        lost=sum(each not in effects for each in told),
        doubled=sum(count > 1 for count in effects.values()),
        kills=sum(each.kills for each in made),
        hours=clock.skipped / HOUR,
        posts=dict(consumer.posts),
    )


async def _seeded(engine: Engine, consumer: Consumer, number: int) -> SeededTenant:
    """A tenant with an endpoint at the consumer."""
    seeded = await seed_tenant(engine, CONVERSATIONS, f"SeededTenant{number}")
    path = f"/{number}"
    new = NewEndpoint(
        dialect="native", url=f"http://{HOST}:{consumer.port}{path}", kinds=("message.created",)
    )
    made = await endpoints.create(engine, operator(seeded.tenant_id), new)
    consumer.secrets[path] = made.secret
    return seeded


async def _say(engine: Engine, towns: list[SeededTenant], events: int) -> list[str]:
    """Post so many messages, in the towns' conversations in turn; answers their ids."""
    told: list[str] = []
    places = [(seeded, conversation) for conversation in range(CONVERSATIONS) for seeded in towns]
    numbers = iter(range(events))

    async def client() -> None:
        for number in numbers:
            seeded, conversation = places[number % len(places)]
            draft = Draft(content=f"hello {number}", sender_id=seeded.ids["alice"])
            boss = operator(seeded.tenant_id)
            told.append(
                (await messages.send(engine, boss, seeded.conversations[conversation].id, draft)).id
            )

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return told


@asynccontextmanager
async def killed(
    senders: Sequence[WebhookProcess], dice: random.Random, consumer: Consumer
) -> AsyncIterator[None]:
    """Senders that are killed and started again, in turn, while the context is open; the next one
    only when something was posted since."""

    async def kill() -> None:
        while True:
            await asyncio.sleep(dice.uniform(*LIVES_S))
            each = dice.choice(senders)
            await asyncio.to_thread(each.kill)
            each.start()
            consumer.posted.clear()
            await consumer.posted.wait()

    for each in senders:
        each.start()
    killing = asyncio.create_task(kill())
    try:
        yield
    finally:
        killing.cancel()
        with suppress(asyncio.CancelledError):
            await killing
        for each in senders:
            each.kill()


async def _through(engine: Engine, clock: SteppedClock, events: int) -> None:
    """Wait until every delivery is finished; whenever nothing is due, move on to when it is.
    Raises TimeoutError."""
    quiet, until = 0, time.monotonic() + PATIENCE_S
    while await engine.db.read("", _finished) < events:
        if time.monotonic() > until:
            raise TimeoutError("the deliveries do not end")
        await asyncio.sleep(LOOK_EVERY_S)
        now = clock.now()
        quiet = 0 if await engine.db.read("", delivery_queue.due_endpoints, now) else quiet + 1
        if quiet >= QUIET_LOOKS and (due := await engine.db.read("", _next_due)):
            # A bit further: what was spread over a tenth of its wait comes together.
            clock.skip(max(due - now, 0) + max(clock.skipped // 10, 2 * SECOND))
            quiet = 0


_FINISHED = Query(
    select(func.count()).where(webhook_deliveries.c.state != "pending"), int, crosses_tenants=_EVERY
)
_DUE = Query(
    select(
        func.min(webhook_deliveries.c.due_at), func.max(func.coalesce(hooks_table.c.open_until, 0))
    )
    .join_from(
        webhook_deliveries,
        hooks_table,
        (hooks_table.c.tenant_id == webhook_deliveries.c.tenant_id)
        & (hooks_table.c.id == webhook_deliveries.c.endpoint_id),
    )
    .where(webhook_deliveries.c.state == "pending")
    .group_by(hooks_table.c.tenant_id, hooks_table.c.id),
    crosses_tenants=_EVERY,
)


async def _finished(tx: Tx) -> int:
    return await tx.one(_FINISHED) or 0


async def _next_due(tx: Tx) -> int | None:
    """When something is due next that its endpoint's breaker lets through."""
    return min((max(row) for row in await tx.all(_DUE)), default=None)


RIG = Rig(
    name="webhooks",
    title="webhooks to a receiver that fails 30 % of the requests (500, 429, hangs, resets, half a "
    "response; before and after processing), by processes that are killed, over the whole schedule",
    goal="50,000 events: 0 lost, 0 double effects in the reference consumer",
    run=run,
)
