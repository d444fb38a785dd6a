"""The sender: claims what is due, posts it, says what came of it.

Claims are short transactions, posts are outside of any, outcomes are written in batches. A claim
holds for LEASE; whoever dies in between loses it to another sender, and the receiver, who may see
the event twice, knows it by its `webhook-id`.
"""

import asyncio
import contextlib
import random
import time

import structlog

from koine.engine.core.context import Engine
from koine.kit.times import MINUTE
from koine.model.errors import Unavailable
from koine.model.webhook import EndpointKey
from koine.store.webhooks import delivery_queue
from koine.webhooks import circuit_breaker, transitions
from koine.webhooks.attempt import AttemptResult, post
from koine.webhooks.claim_shares import ClaimShares
from koine.webhooks.endpoint_queue import EndpointQueue
from koine.webhooks.payloads import BuildResult, OutgoingDelivery, PayloadBuilder
from koine.webhooks.result_writer import ResultWriter

LEASE = MINUTE
"""µs a claim holds; a post takes a quarter of it at most."""
MAX_CLAIMS = 512
"""Claims held at once, for all endpoints together; `shares` says how they are shared out."""
CROWD_CLAIMS, CROWD_RATE = 32, 100
"""While people's sends crowd the process, it claims so many at once and no more than so many a
second: who is told waits, who speaks does not."""
_PASSES, _SLOW_S = 4, 0.002
"""A crowd is when sends were answered since the last turn and a pass of the loop takes longer than
this."""
POLL_S = 0.5
_AWAY_S = 0.5
MAX_IDLE_QUEUES = 10_000
SHUTDOWN_SECONDS = 5.0
"""How long posts under way are waited for at the end; then their claims run out."""
_log = structlog.get_logger("koine.webhooks")


class Dispatcher:
    """One in each process. `run` is its task; `wake` may be called at any time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._desk = PayloadBuilder(engine)
        self._outcomes = ResultWriter(engine.db, engine.clock)
        self._lines: dict[EndpointKey, EndpointQueue] = {}
        self._posts: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._crowd = False
        self._answered = 0

    def wake(self) -> None:
        """Something may be due."""
        self._woken.set()

    async def run(self) -> None:
        """Claim and post, for ever; when it is cancelled, what is under way is ended first."""
        try:
            while True:
                self._woken.clear()
                if not (claimed := await self._turn_or_log()):
                    await self._wait()
                elif await self._has_waiting_tenants():
                    await asyncio.sleep(min(claimed / CROWD_RATE, 1.0))
        finally:
            for line in self._lines.values():
                self._release(line)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SHUTDOWN_SECONDS):
                    await self.idle()

    async def dispatch_once(self) -> int:
        """Claim what is due and begin to post it; answers how many claims. Raises Unavailable."""
        now = self._engine.clock.now()
        wanted, probes = await self._choose_endpoints(now)
        if not wanted and not probes:
            return 0
        claims = await self._engine.db.write(
            "", delivery_queue.claim, wanted, probes, now, now + LEASE
        )
        hooks = {place: self._lines[place].hook for place in {c.endpoint for c in claims}}
        written = await self._desk.build(claims, hooks)
        self._queue_deliveries(written, now)
        for letter in written.deliveries:
            self._lines[letter.claim.endpoint].waiting.append(letter)
        for place in hooks:
            self._start_posts(self._lines[place])
        return len(claims)

    async def idle(self) -> None:
        """Wait until every post under way has come back and is written down."""
        while self._posts:
            await asyncio.gather(*self._posts, return_exceptions=True)
        await self._outcomes.flush()

    async def _turn_or_log(self) -> int:
        try:
            return await self.dispatch_once()
        except Unavailable:
            await asyncio.sleep(_AWAY_S)
        except Exception:
            _log.error("the webhook dispatcher failed", exc_info=True)
            await asyncio.sleep(_AWAY_S)
        return 0

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._woken.wait()

    async def _has_waiting_tenants(self) -> bool:
        before, self._answered = self._answered, self._engine.write_batcher.answered
        began = time.perf_counter()
        for _ in range(_PASSES):
            await asyncio.sleep(0)
        slow = time.perf_counter() - began > _PASSES * _SLOW_S
        self._crowd = slow and self._answered > before
        return self._crowd

    async def _choose_endpoints(
        self, now: int
    ) -> tuple[list[tuple[EndpointKey, int]], list[EndpointKey]]:
        """From which endpoints to claim how many, and which to try with one."""
        hands = MAX_CLAIMS - sum(line.held for line in self._lines.values())
        if self._crowd:
            hands = min(hands, CROWD_CLAIMS)
        if hands <= 0:
            return [], []
        found = await self._engine.db.read("", delivery_queue.due_endpoints, now)
        # Whoever comes last finds the fewest hands: let it be another each time.
        random.shuffle(found)
        self._forget_idle()
        wanted: list[tuple[EndpointKey, int]] = []
        probes: list[EndpointKey] = []
        shares = ClaimShares(MAX_CLAIMS, hands, self._lines, found)
        for hook in found:
            line = self._lines.setdefault(hook.key, EndpointQueue(hook))
            line.renew(hook)
            line.allowed = shares.allowed(hook.key, line)
            line.has_backlog = True
            if at_most := shares.take(hook.key, line, line.capacity):
                if line.half_open:
                    probes.append(hook.key)
                else:
                    wanted.append((hook.key, at_most))
        return wanted, probes

    def _forget_idle(self) -> None:
        if len(self._lines) > MAX_IDLE_QUEUES:
            self._lines = {place: line for place, line in self._lines.items() if line.held}

    def _queue_deliveries(self, written: BuildResult, now: int) -> None:
        """Claims that are not posted."""
        if written.cancelled or written.dropped or written.waiting:
            batch = self._outcomes.batch
            batch.dropped += written.dropped
            batch.disabled |= written.paused
            batch.results += [transitions.released(claim, now) for claim in written.waiting]
            batch.results += [
                transitions.cancelled(claim, why, now) for claim, why in written.cancelled
            ]

    def _start_posts(self, line: EndpointQueue) -> None:
        """Post what waits for an endpoint, as much as may be at once."""
        while (letter := line.next()) is not None:
            task = asyncio.create_task(self._post(letter, line))
            self._posts.add(task)
            task.add_done_callback(self._posts.discard)

    async def _post(self, letter: OutgoingDelivery, line: EndpointQueue) -> None:
        if await self._may_post(letter):
            posted = await post(self._engine, self._desk, letter)
            line.in_flight -= 1
            self._record(letter, line, posted)
        else:
            line.in_flight -= 1
            line.waiting.append(letter)
            self._release(line)
        if line.half_open:
            self._release(line)
        self._start_posts(line)
        if line.needs_claims:
            line.has_backlog = False
            self._woken.set()

    async def _may_post(self, letter: OutgoingDelivery) -> bool:
        """Whether the endpoint's owner still has the right; else it is paused. Never raises."""
        try:
            reason = await self._desk.reason_to_pause(letter)
        except Exception:
            _log.warning("an endpoint owner's rights could not be read", exc_info=True)
            await asyncio.sleep(_AWAY_S)
            return False
        if reason is not None:
            self._outcomes.batch.disabled[letter.claim.endpoint] = reason
        return reason is None

    def _release(self, line: EndpointQueue) -> None:
        """Let go of what was claimed and waits: another sender, or another time."""
        now = self._engine.clock.now()
        if line.waiting:
            self._outcomes.batch.results += [
                transitions.released(letter.claim, now) for letter in line.waiting
            ]
            line.waiting.clear()

    def _record(self, letter: OutgoingDelivery, line: EndpointQueue, posted: AttemptResult) -> None:
        place, now = letter.claim.endpoint, self._engine.clock.now()
        verdict = posted.verdict
        batch = self._outcomes.batch
        batch.tried.append((place.tenant_id, posted.attempt))
        batch.results.append(transitions.posted(letter, posted, now, random.random()))
        health = line.record_result(verdict.outcome == "delivered", now)
        if (changed := line.unsaved_health()) is not None:
            batch.health[place] = changed
        if verdict.outcome == "gone":
            batch.disabled[place] = verdict.reason or ""
        elif circuit_breaker.should_disable(health, now):
            batch.disabled[place] = f"nothing but failures for days: {verdict.reason}"
