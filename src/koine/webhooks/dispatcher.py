"""The dispatcher: claims deliveries that are due, sends them, and has their results written.

Claims are short transactions, requests are outside of any, results are written in batches. A claim
is a lease of LEASE (`store.core.work_queue`): if the process dies, another node claims the delivery
once the lease has ended. The receiver may then get the event twice, and knows it by its
`webhook-id`.

A dispatcher claims only what it can send soon: a claimed delivery that waits here is one that no
other node can send.
"""

import asyncio
import contextlib
import random
import time

import structlog

from koine.engine.core.engine import Engine
from koine.kit import logs
from koine.kit.times import MINUTE
from koine.model.errors import Unavailable
from koine.model.webhook import DisableDecision, EndpointKey
from koine.store.webhooks import delivery_queue
from koine.webhooks import circuit_breaker, transitions
from koine.webhooks.attempt import AttemptResult, post
from koine.webhooks.attempt_context import log_context_of
from koine.webhooks.claim_shares import ClaimShares
from koine.webhooks.endpoint_queue import EndpointQueue
from koine.webhooks.payloads import BuildResult, OutgoingDelivery, PayloadBuilder
from koine.webhooks.result_writer import ResultWriter

LEASE = MINUTE
"""µs of a claim; a request may take a quarter of it at most."""
MAX_CLAIMS = 512
"""Claims of this process at once; `claim_shares` says how endpoints share them."""
BUSY_CLAIMS, BUSY_RATE = 32, 100
"""While the process is busy with messages, it claims at most so many at once, and so many a second:
a webhook may be late, the response to a person may not."""
_PASSES, _SLOW_S = 4, 0.002
"""The process is busy when messages were sent since the last turn and a pass of the event loop
takes longer than this."""
POLL_S = 0.5
_RETRY_S = 0.5
MAX_IDLE_QUEUES = 10_000
SHUTDOWN_SECONDS = 5.0
"""Seconds for which requests in flight are waited for at the end; after that their leases run out.
"""
_log = structlog.get_logger("koine.webhooks")


class Dispatcher:
    """One in each process. `run` is its task; `wake` may be called at any time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._builder = PayloadBuilder(engine)
        self._results = ResultWriter(engine.db, engine.clock)
        self._queues: dict[EndpointKey, EndpointQueue] = {}
        self._posts: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._is_busy = False
        self._completed = 0

    def wake(self) -> None:
        """Something may be due."""
        self._woken.set()

    async def run(self) -> None:
        """Claim and send until cancelled; then wait for the requests in flight."""
        try:
            while True:
                self._woken.clear()
                if not (claimed := await self._turn_or_log()):
                    await self._wait()
                elif await self._check_busy():
                    await asyncio.sleep(min(claimed / BUSY_RATE, 1.0))
        finally:
            for queue in self._queues.values():
                self._release(queue)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SHUTDOWN_SECONDS):
                    await self.idle()

    async def dispatch_once(self) -> int:
        """Claim what is due and start to send it; returns how many claims. Raises Unavailable."""
        now = self._engine.clock.now()
        wanted, probes = await self._choose_endpoints(now)
        if not wanted and not probes:
            return 0
        claims = await self._engine.db.write(
            "", delivery_queue.claim, wanted, probes, now, now + LEASE
        )
        endpoints = {key: self._queues[key].endpoint for key in {c.endpoint for c in claims}}
        built = await self._builder.build(claims, endpoints)
        self._record_unsent(built, now)
        for delivery in built.deliveries:
            self._queues[delivery.claim.endpoint].waiting.append(delivery)
        for key in endpoints:
            self._start_posts(self._queues[key])
        return len(claims)

    async def idle(self) -> None:
        """Wait until all requests have ended and their results are written."""
        while self._posts:
            await asyncio.gather(*self._posts, return_exceptions=True)
        await self._results.flush()

    async def _turn_or_log(self) -> int:
        try:
            return await self.dispatch_once()
        except Unavailable:
            await asyncio.sleep(_RETRY_S)
        except Exception:
            _log.error("the webhook dispatcher failed", exc_info=True)
            await asyncio.sleep(_RETRY_S)
        return 0

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._woken.wait()

    async def _check_busy(self) -> bool:
        before, self._completed = self._completed, self._engine.write_batcher.completed
        began = time.perf_counter()
        for _ in range(_PASSES):
            await asyncio.sleep(0)
        slow = time.perf_counter() - began > _PASSES * _SLOW_S
        self._is_busy = slow and self._completed > before
        return self._is_busy

    async def _choose_endpoints(
        self, now: int
    ) -> tuple[list[tuple[EndpointKey, int]], list[EndpointKey]]:
        """How many deliveries to claim of which endpoints, and which to probe with one."""
        free = MAX_CLAIMS - sum(queue.held for queue in self._queues.values())
        if self._is_busy:
            free = min(free, BUSY_CLAIMS)
        if free <= 0:
            return [], []
        due = await self._engine.db.read("", delivery_queue.due_endpoints, now)
        # The last endpoint gets what the others left: another one each time.
        random.shuffle(due)
        self._forget_idle()
        wanted: list[tuple[EndpointKey, int]] = []
        probes: list[EndpointKey] = []
        shares = ClaimShares(MAX_CLAIMS, free, self._queues, due)
        for endpoint in due:
            queue = self._queues.setdefault(endpoint.key, EndpointQueue(endpoint))
            queue.renew(endpoint)
            queue.allowed = shares.allowed(endpoint.key, queue)
            queue.has_backlog = True
            if at_most := shares.take(endpoint.key, queue, queue.capacity):
                if queue.is_tripped:
                    probes.append(endpoint.key)
                else:
                    wanted.append((endpoint.key, at_most))
        return wanted, probes

    def _forget_idle(self) -> None:
        if len(self._queues) > MAX_IDLE_QUEUES:
            self._queues = {key: queue for key, queue in self._queues.items() if queue.held}

    def _record_unsent(self, built: BuildResult, now: int) -> None:
        """Record the claims that are not sent."""
        if built.cancelled or built.dropped or built.waiting:
            batch = self._results.batch
            batch.dropped += built.dropped
            batch.disabled |= built.paused
            batch.results += [transitions.released(claim, now) for claim in built.waiting]
            batch.results += [
                transitions.cancelled(claim, why, now) for claim, why in built.cancelled
            ]

    def _start_posts(self, queue: EndpointQueue) -> None:
        """Send what waits for an endpoint, as much as it takes at once."""
        while (delivery := queue.next()) is not None:
            task = asyncio.create_task(self._post(delivery, queue))
            self._posts.add(task)
            task.add_done_callback(self._posts.discard)

    async def _post(self, delivery: OutgoingDelivery, queue: EndpointQueue) -> None:
        logs.current.set(log_context_of(delivery.claim))
        if await self._may_post(delivery):
            result = await post(self._engine, self._builder, delivery)
            queue.in_flight -= 1
            self._record(delivery, queue, result)
        else:
            queue.in_flight -= 1
            queue.waiting.append(delivery)
            self._release(queue)
        if queue.is_tripped:
            self._release(queue)
        self._start_posts(queue)
        if queue.needs_claims:
            queue.has_backlog = False
            self._woken.set()

    async def _may_post(self, delivery: OutgoingDelivery) -> bool:
        """Whether the endpoint's owner still has the rights, or it is paused, and the tenant is not
        suspended. Never raises."""
        try:
            found = await self._builder.recheck(delivery)
        except Exception:
            _log.warning("an endpoint owner's rights could not be read", exc_info=True)
            await asyncio.sleep(_RETRY_S)
            return False
        if found.reason_to_pause is not None:
            self._disable(delivery, found.reason_to_pause)
        return found.reason_to_pause is None and not found.is_held_back

    def _release(self, queue: EndpointQueue) -> None:
        """Give the claims that wait back, for another node or a later turn."""
        now = self._engine.clock.now()
        if queue.waiting:
            self._results.batch.results += [
                transitions.released(delivery.claim, now) for delivery in queue.waiting
            ]
            queue.waiting.clear()

    def _record(
        self, delivery: OutgoingDelivery, queue: EndpointQueue, result: AttemptResult
    ) -> None:
        key, now = delivery.claim.endpoint, self._engine.clock.now()
        response_class = result.response_class
        batch = self._results.batch
        batch.tried.append((key.tenant_id, result.attempt))
        batch.results.append(transitions.posted(delivery, result, now, random.random()))
        health = queue.record_result(response_class.outcome == "delivered", now)
        if (changed := queue.unsaved_health()) is not None:
            batch.health[key] = changed
        if response_class.outcome == "gone":
            self._disable(delivery, response_class.reason or "")
        elif circuit_breaker.should_disable(health, now):
            self._disable(delivery, f"nothing but failures for days: {response_class.reason}")

    def _disable(self, delivery: OutgoingDelivery, reason: str) -> None:
        decision = DisableDecision(reason, delivery.endpoint.updated_at)
        self._results.batch.disabled[delivery.claim.endpoint] = decision
