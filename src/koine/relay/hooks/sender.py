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

from koine.engine.engine import Engine
from koine.kit.times import MINUTE
from koine.model.errors import Unavailable
from koine.model.hook import EndpointKey
from koine.relay.hooks import breaker, results
from koine.relay.hooks.letters import Desk, Letter, Written
from koine.relay.hooks.line import Line
from koine.relay.hooks.outcomes import Outcomes
from koine.relay.hooks.post import Posted, post
from koine.relay.hooks.shares import Shares
from koine.store import hook_queue

LEASE = MINUTE
"""µs a claim holds; a post takes a quarter of it at most."""
CLAIMS = 512
"""Claims held at once, for all endpoints together; `shares` says how they are shared out."""
CROWD_CLAIMS, CROWD_RATE = 32, 100
"""While people's sends crowd the process, it claims so many at once and no more than so many a
second: who is told waits, who speaks does not."""
_PASSES, _SLOW_S = 4, 0.002
"""A crowd is when sends were answered since the last turn and a pass of the loop takes longer than
this."""
POLL_S = 0.5
_AWAY_S = 0.5
KNOWN_LINES = 10_000
GOODBYE_S = 5.0
"""How long posts under way are waited for at the end; then their claims run out."""
_log = structlog.get_logger("koine.webhooks")


class Sender:
    """One in each process. `run` is its task; `wake` may be called at any time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._desk = Desk(engine)
        self._outcomes = Outcomes(engine.db, engine.clock)
        self._lines: dict[EndpointKey, Line] = {}
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
                if not (claimed := await self._stumble()):
                    await self._rest()
                elif await self._look_for_a_crowd():
                    await asyncio.sleep(min(claimed / CROWD_RATE, 1.0))
        finally:
            for line in self._lines.values():
                self._release(line)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await self.idle()

    async def turn(self) -> int:
        """Claim what is due and begin to post it; answers how many claims. Raises Unavailable."""
        now = self._engine.clock.now()
        wanted, probes = await self._choose(now)
        if not wanted and not probes:
            return 0
        claims = await self._engine.db.write("", hook_queue.claim, wanted, probes, now, now + LEASE)
        hooks = {place: self._lines[place].hook for place in {c.place for c in claims}}
        written = await self._desk.write(claims, hooks)
        self._put_by(written, now)
        for letter in written.letters:
            self._lines[letter.claim.place].waiting.append(letter)
        for place in hooks:
            self._begin(self._lines[place])
        return len(claims)

    async def idle(self) -> None:
        """Wait until every post under way has come back and is written down."""
        while self._posts:
            await asyncio.gather(*self._posts, return_exceptions=True)
        await self._outcomes.written()

    async def _stumble(self) -> int:
        try:
            return await self.turn()
        except Unavailable:
            await asyncio.sleep(_AWAY_S)
        except Exception:
            _log.error("the sender stumbled", exc_info=True)
            await asyncio.sleep(_AWAY_S)
        return 0

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._woken.wait()

    async def _look_for_a_crowd(self) -> bool:
        before, self._answered = self._answered, self._engine.write_batcher.answered
        began = time.perf_counter()
        for _ in range(_PASSES):
            await asyncio.sleep(0)
        slow = time.perf_counter() - began > _PASSES * _SLOW_S
        self._crowd = slow and self._answered > before
        return self._crowd

    async def _choose(self, now: int) -> tuple[list[tuple[EndpointKey, int]], list[EndpointKey]]:
        """From which endpoints to claim how many, and which to try with one."""
        hands = CLAIMS - sum(line.held for line in self._lines.values())
        if self._crowd:
            hands = min(hands, CROWD_CLAIMS)
        if hands <= 0:
            return [], []
        found = await self._engine.db.read("", hook_queue.due_endpoints, now)
        # Whoever comes last finds the fewest hands: let it be another each time.
        random.shuffle(found)
        self._forget_idle()
        wanted: list[tuple[EndpointKey, int]] = []
        probes: list[EndpointKey] = []
        shares = Shares(CLAIMS, hands, self._lines, found)
        for hook in found:
            line = self._lines.setdefault(hook.key, Line(hook))
            line.renew(hook)
            line.allowed = shares.allowed(hook.key, line)
            line.hungry = True
            if at_most := shares.take(hook.key, line, line.room):
                if line.probes:
                    probes.append(hook.key)
                else:
                    wanted.append((hook.key, at_most))
        return wanted, probes

    def _forget_idle(self) -> None:
        if len(self._lines) > KNOWN_LINES:
            self._lines = {place: line for place, line in self._lines.items() if line.held}

    def _put_by(self, written: Written, now: int) -> None:
        """Claims that are not posted."""
        if written.cancelled or written.dropped or written.waiting:
            batch = self._outcomes.batch
            batch.dropped += written.dropped
            batch.disabled |= written.paused
            batch.results += [results.released(claim, now) for claim in written.waiting]
            batch.results += [
                results.cancelled(claim, why, now) for claim, why in written.cancelled
            ]

    def _begin(self, line: Line) -> None:
        """Post what waits for an endpoint, as much as may be at once."""
        while (letter := line.next()) is not None:
            task = asyncio.create_task(self._post(letter, line))
            self._posts.add(task)
            task.add_done_callback(self._posts.discard)

    async def _post(self, letter: Letter, line: Line) -> None:
        if await self._may_post(letter):
            posted = await post(self._engine, self._desk, letter)
            line.flying -= 1
            self._note(letter, line, posted)
        else:
            line.flying -= 1
            line.waiting.append(letter)
            self._release(line)
        if line.probes:
            self._release(line)
        self._begin(line)
        if line.runs_dry:
            line.hungry = False
            self._woken.set()

    async def _may_post(self, letter: Letter) -> bool:
        """Whether the endpoint's owner still has the right; else it is paused. Never raises."""
        try:
            reason = await self._desk.reason_to_pause(letter)
        except Exception:
            _log.warning("an endpoint's owner could not be asked for", exc_info=True)
            await asyncio.sleep(_AWAY_S)
            return False
        if reason is not None:
            self._outcomes.batch.disabled[letter.claim.place] = reason
        return reason is None

    def _release(self, line: Line) -> None:
        """Let go of what was claimed and waits: another sender, or another time."""
        now = self._engine.clock.now()
        if line.waiting:
            self._outcomes.batch.results += [
                results.released(letter.claim, now) for letter in line.waiting
            ]
            line.waiting.clear()

    def _note(self, letter: Letter, line: Line, posted: Posted) -> None:
        place, now = letter.claim.place, self._engine.clock.now()
        verdict = posted.verdict
        batch = self._outcomes.batch
        batch.tried.append((place.tenant_id, posted.attempt))
        batch.results.append(results.posted(letter, posted, now, random.random()))
        health = line.went(verdict.outcome == "delivered", now)
        if (changed := line.unwritten()) is not None:
            batch.health[place] = changed
        if verdict.outcome == "gone":
            batch.disabled[place] = verdict.reason or ""
        elif breaker.is_hopeless(health, now):
            batch.disabled[place] = f"nothing but failures for days: {verdict.reason}"
