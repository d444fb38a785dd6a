"""The sender: claims what is due, posts it, says what came of it.

Claims are short transactions, posts are outside of any, outcomes are written in batches. A claim
holds for LEASE; whoever dies in between loses it to another sender, and the receiver, who may see
the event twice, knows it by its `webhook-id`.
"""

import asyncio
import random

import structlog

from koine.engine.engine import Engine
from koine.kit.times import MINUTE
from koine.model.errors import Unavailable
from koine.model.hook import Claim, Place, Result
from koine.relay import breaker
from koine.relay.letters import Desk, Letter, Written
from koine.relay.line import Line
from koine.relay.outcomes import Outcomes
from koine.relay.post import Posted, post
from koine.relay.schedule import wait_us
from koine.store import hook_queue

LEASE = MINUTE
"""µs a claim holds; a post takes a quarter of it at most."""
HANDS = 256
"""Posts under way at once, to all endpoints together."""
POLL_S = 0.5
_AWAY_S = 0.5
_FORGET_LINES = 10_000
_log = structlog.get_logger("koine.webhooks")


class Sender:
    """One in each process. `run` is its task; `wake` may be called at any time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._desk = Desk(engine)
        self._outcomes = Outcomes(engine.db, engine.clock)
        self._lines: dict[Place, Line] = {}
        self._posts: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something may be due."""
        self._woken.set()

    async def run(self) -> None:
        """Claim and post, for ever; when it is cancelled, what is under way is ended first."""
        writing = asyncio.create_task(self._outcomes.run())
        try:
            while True:
                self._woken.clear()
                if not await self._stumble():
                    await self._rest()
        finally:
            await self.idle()
            writing.cancel()

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
            self._begin(letter)
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
        try:
            await asyncio.wait_for(self._woken.wait(), POLL_S)
        except TimeoutError:
            return

    async def _choose(self, now: int) -> tuple[list[tuple[Place, int]], list[Place]]:
        """From which endpoints to claim how many, and which to try with one."""
        hands = HANDS - len(self._posts)
        if hands <= 0:
            return [], []
        found = await self._engine.db.read("", hook_queue.ready, now)
        random.shuffle(found)
        if len(self._lines) > _FORGET_LINES:
            self._lines = {place: line for place, line in self._lines.items() if line.flying}
        wanted: list[tuple[Place, int]] = []
        probes: list[Place] = []
        share = max(hands // max(len(found), 1), 1)
        for hook in found:
            line = self._lines.setdefault(hook.place, Line(hook))
            line.renew(hook)
            at_most = min(line.free, share, hands)
            line.hungry = at_most <= line.free
            if line.probes and not line.flying:
                probes.append(hook.place)
            elif not line.probes and at_most:
                wanted.append((hook.place, at_most))
                hands -= at_most
        return wanted, probes

    def _put_by(self, written: Written, now: int) -> None:
        """Claims that are not posted."""
        if written.cancelled or written.dropped:
            batch = self._outcomes.batch
            batch.dropped += written.dropped
            batch.results += [_cancelled(claim, why, now) for claim, why in written.cancelled]

    def _begin(self, letter: Letter) -> None:
        line = self._lines[letter.claim.place]
        line.flying += 1
        task = asyncio.create_task(self._post(letter, line))
        self._posts.add(task)
        task.add_done_callback(self._posts.discard)

    async def _post(self, letter: Letter, line: Line) -> None:
        try:
            posted = await post(self._engine, self._desk, letter)
        finally:
            line.flying -= 1
        self._note(letter, line, posted)
        if line.hungry and line.flying <= line.free:
            line.hungry = False
            self._woken.set()

    def _note(self, letter: Letter, line: Line, posted: Posted) -> None:
        place, now = letter.claim.place, self._engine.clock.now()
        verdict = posted.verdict
        batch = self._outcomes.batch
        batch.tried.append((place.tenant_id, posted.attempt))
        batch.results.append(_result(letter, posted, now))
        health = line.went(verdict.outcome == "delivered", now)
        if (changed := line.unwritten()) is not None:
            batch.health[place] = changed
        if verdict.outcome == "gone":
            batch.disabled[place] = verdict.reason or ""
        elif breaker.is_hopeless(health, now):
            batch.disabled[place] = f"nothing but failures for days: {verdict.reason}"


def _result(letter: Letter, posted: Posted, now: int) -> Result:
    claim, verdict, hook = letter.claim, posted.verdict, letter.hook
    tried = claim.attempt + 1
    wait = 0
    if verdict.outcome == "retry":
        wait = wait_us(tried, hook.backoff, hook.max_retries, random.random())
    ended = verdict.outcome == "delivered" or not wait
    return Result(
        place=claim.place,
        position=claim.position,
        fence=claim.fence,
        state="delivered" if verdict.outcome == "delivered" else "failed" if ended else "pending",
        attempt=tried,
        due_at=now if ended else max(now + wait, verdict.not_before),
        answered=posted.attempt.answered,
        error=verdict.reason,
        finished_at=now if ended else None,
    )


def _cancelled(claim: Claim, why: str, now: int) -> Result:
    return Result(
        place=claim.place,
        position=claim.position,
        fence=claim.fence,
        state="cancelled",
        attempt=claim.attempt,
        due_at=now,
        error=why,
        finished_at=now,
    )
