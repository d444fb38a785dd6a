"""Deliver webhooks to a receiver that fails often, from processes that are killed.

A clock that the rig moves forward takes the deliveries through all attempts of the schedule, days
long. The receiver is the reference consumer, which processes an event once although it may receive
it several times. The rig counts events that were never processed (lost) or processed twice.
"""

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
from chaos.seed import home_engine, seed_tenant
from chaos.seeded_tenant import SeededTenant
from chaos.servers import ServerHome
from chaos.webhook_processes import SteppedClock, WebhookProcess
from koine.engine.conversations import messages
from koine.engine.core.engine import Engine
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

EVENTS = 50_000
ENDPOINTS, FEW_ENDPOINTS = 20, 5
SENDERS = 2
CONVERSATIONS = 5
CLIENTS = 16
REQUEST_TIMEOUT_S = 0.3
"""Timeout of a request; so long each request to a receiver that hangs takes."""
UPTIME_S = (0.3, 1.5)
"""How long a process runs until it is killed, in seconds: from and to."""
POLL_S = 0.02
IDLE_POLLS = 5
"""After so many polls in a row with no delivery due, the clock is moved forward."""
SCHEDULE_TIMEOUT_S = 600.0
ALLOWED = {"outbound_allow": HOST}
_CROSSES_TENANTS = "the rig counts the deliveries of all its tenants"


class Delivered(Struct, frozen=True):
    """The result of `events` events. `requests` is the count of the consumer (flaky_consumer.py);
    `hours` is how far the clock was moved forward."""

    events: int
    lost: int
    doubled: int
    kills: int
    hours: float
    requests: dict[str, int]

    @property
    def ok(self) -> bool:
        """Each event was processed exactly once."""
        return not self.lost and not self.doubled

    @property
    def failed(self) -> int:
        """How many requests failed."""
        return (
            sum(self.requests.values())
            - self.requests.get("repeated", 0)
            - self.requests.get("succeeded", 0)
        )


async def run(settings: RigSettings) -> Figure:
    """Measure two processes on PostgreSQL, over all attempts of each event."""
    events = settings.trials(EVENTS, 40)
    count = settings.pick(ENDPOINTS, FEW_ENDPOINTS)
    with settings.databases() as new_database:
        home = ServerHome(settings.folder, new_database())
        result = await deliver(home, events, settings.random(), senders=SENDERS, endpoints=count)
    return Figure(
        rig=RIG.name,
        params={"events": events, "endpoints": count, "senders": SENDERS},
        counts={
            "lost": result.lost,
            "doubled": result.doubled,
            "kills": result.kills,
            **result.requests,
        },
        ok=result.ok,
        line=f"{result.events:,} events over {result.hours:,.0f} hours of schedule, "
        f"{result.failed:,} requests failed, {result.kills:,} kills, "
        f"{result.requests.get('repeated', 0):,} repeats: "
        f"{result.lost:,} lost, {result.doubled:,} double effects",
    )


async def deliver(
    home: ServerHome,
    events: int,
    rng: random.Random,
    *,
    senders: int = 1,
    endpoints: int = ENDPOINTS,
    deduplicate: bool = True,
    fault: str = "",
) -> Delivered:
    """Deliver `events` events to one endpoint of each of `endpoints` tenants, and compare. Planted
    faults: a consumer that does not `deduplicate`, and the processes' `fault`."""
    clock = SteppedClock(home.folder / "clock")
    consumer = Consumer(
        home.folder / "consumer.db", rng, lambda: clock.now() / SECOND, deduplicate=deduplicate
    )
    settings = home.settings(ALLOWED)
    processes = [
        WebhookProcess(settings, home.folder / "clock", timeout_s=REQUEST_TIMEOUT_S, fault=fault)
        for _ in range(senders)
    ]
    async with (
        flaky_consumer(consumer),
        home_engine(home, ALLOWED) as engine,
        killed_at_random(processes, rng, consumer),
    ):
        tenants = [await _seed_endpoint(engine, consumer, number) for number in range(endpoints)]
        message_ids = await _send_messages(engine, tenants, events)
        await _wait_until_finished(engine, clock, len(message_ids))
    effects = consumer.processed()
    return Delivered(
        events=len(message_ids),
        lost=sum(each not in effects for each in message_ids),
        doubled=sum(count > 1 for count in effects.values()),
        kills=sum(each.kills for each in processes),
        hours=clock.skipped / HOUR,
        requests=dict(consumer.requests),
    )


async def _seed_endpoint(engine: Engine, consumer: Consumer, number: int) -> SeededTenant:
    """Create a tenant with an endpoint at the consumer."""
    tenant = await seed_tenant(engine, CONVERSATIONS, f"Tenant{number}")
    path = f"/{number}"
    new = NewEndpoint(
        dialect="native", url=f"http://{HOST}:{consumer.port}{path}", kinds=("message.created",)
    )
    endpoint = await endpoints.create(engine, operator(tenant.tenant_id), new)
    consumer.secrets[path] = endpoint.secret
    return tenant


async def _send_messages(engine: Engine, tenants: list[SeededTenant], events: int) -> list[str]:
    """Send `events` messages to the conversations of all tenants in turn; return their ids."""
    message_ids: list[str] = []
    targets = [
        (tenant, tenant.conversations[n]) for n in range(CONVERSATIONS) for tenant in tenants
    ]
    numbers = iter(range(events))

    async def client() -> None:
        for number in numbers:
            tenant, conversation = targets[number % len(targets)]
            draft = Draft(content=f"hello {number}", sender_id=tenant.ids["alice"])
            actor = operator(tenant.tenant_id)
            message = await messages.send(engine, actor, conversation.id, draft)
            message_ids.append(message.id)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return message_ids


@asynccontextmanager
async def killed_at_random(
    senders: Sequence[WebhookProcess], rng: random.Random, consumer: Consumer
) -> AsyncIterator[None]:
    """Run the processes; kill a random one from time to time and start it again. The next kill
    comes only after another request, so that the deliveries make progress."""

    async def kill() -> None:
        while True:
            await asyncio.sleep(rng.uniform(*UPTIME_S))
            each = rng.choice(senders)
            await asyncio.to_thread(each.kill)
            each.start()
            consumer.request_received.clear()
            await consumer.request_received.wait()

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


async def _wait_until_finished(engine: Engine, clock: SteppedClock, events: int) -> None:
    """Wait until all deliveries are finished; whenever none is due, move the clock forward to the
    next. Raises TimeoutError."""
    idle_polls, until = 0, time.monotonic() + SCHEDULE_TIMEOUT_S
    while await engine.db.read("", _finished) < events:
        if time.monotonic() > until:
            raise TimeoutError("the deliveries do not end")
        await asyncio.sleep(POLL_S)
        now = clock.now()
        idle_polls = (
            0 if await engine.db.read("", delivery_queue.due_endpoints, now) else idle_polls + 1
        )
        if idle_polls >= IDLE_POLLS and (due := await engine.db.read("", _next_due)):
            # A bit further: retries are spread over a tenth of their wait; now all are due.
            clock.skip(max(due - now, 0) + max(clock.skipped // 10, 2 * SECOND))
            idle_polls = 0


_FINISHED = Query(
    select(func.count()).where(webhook_deliveries.c.state != "pending"),
    int,
    crosses_tenants=_CROSSES_TENANTS,
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
    crosses_tenants=_CROSSES_TENANTS,
)


async def _finished(tx: Tx) -> int:
    return await tx.one(_FINISHED) or 0


async def _next_due(tx: Tx) -> int | None:
    """When the next delivery is due whose circuit breaker is closed by then."""
    return min((max(row) for row in await tx.all(_DUE)), default=None)


RIG = Rig(
    name="webhooks",
    title="webhooks to a receiver that fails 30 % of the requests (500, 429, hangs, resets, half a "
    "response; before and after processing), by processes that are killed, over the whole schedule",
    goal="50,000 events: 0 lost, 0 double effects in the reference consumer",
    run=run,
)
