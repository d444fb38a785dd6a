"""Followers by the thousand, in a process of their own: they take no time from who measures.

async with crowd(server.port, seeded, count=1000, cursor=start) as many:
    await many.all_back(within=60)
    await many.stop_reading()
    heard = await many.heard({"word-0000001": sent_at})
"""

import asyncio
import contextlib
import random
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import uvloop
from msgspec import Struct

from chaos.clients import MANNERS
from chaos.follower import StreamFollower
from chaos.seed import SeededTenant
from chaos.stream_parsers import UnexpectedStatus
from koine.server.rlimits import raise_file_limit

ROOT = Path(__file__).parent.parent
KINDS = ("native", "socket")
SMALL = 4096
"""What the system keeps for one who is going to stop reading, in bytes."""
RECONNECT_SECONDS = (0.05, 0.5)
POLL_SECONDS = 0.05


class Plan(Struct, frozen=True, kw_only=True):
    """Who is to follow what: of `count`, the first `slow` can be told to stop reading. Who is asked
    to come back later waits for `patience` of the time asked for."""

    port: int
    seeded: SeededTenant
    count: int
    cursor: str
    slow: int = 0
    kinds: Sequence[str] = KINDS
    seed: int = 1
    patience: float = 1.0


class Report(Struct, frozen=True):
    """What the crowd was told of some messages. `missed` sums over its members; `delays_s` are
    those of the quick ones: from each message's time until it was told."""

    missed: int
    doubled: int
    resets: int
    delays_s: list[float]


class State(Struct, frozen=True):
    """How many follow now, and how many times members came back in all."""

    following: int
    returns: int


class Command(Struct, frozen=True):
    """What the process is to do; `sent` are words and when they were sent (monotonic seconds)."""

    do: str
    sent: dict[str, float] = {}


class LoadClients:
    """The process; made by `crowd`."""

    def __init__(self, process: asyncio.subprocess.Process, count: int) -> None:
        self._process = process
        self._lock = asyncio.Lock()
        self.count = count

    async def state(self) -> State:
        """Who follows now."""
        return msgspec.json.decode(await self._ask(Command("state")), type=State)

    async def report(self, sent: Mapping[str, float]) -> Report:
        """What was told of these messages."""
        return msgspec.json.decode(await self._ask(Command("heard", dict(sent))), type=Report)

    async def stop_reading(self) -> None:
        """The slow ones read no more."""
        await self._ask(Command("stop"))

    async def resume_reading(self) -> None:
        """The slow ones read again."""
        await self._ask(Command("read"))

    async def all_reconnected(self, within: float) -> float:
        """Wait until all follow; answers the seconds it took. Raises TimeoutError."""
        began = time.monotonic()
        while (now := await self.state()).following < self.count:
            if time.monotonic() - began > within:
                raise TimeoutError(f"{now.following} of {self.count} follow")
            await asyncio.sleep(POLL_SECONDS)
        return time.monotonic() - began

    async def _ask(self, order: Command) -> bytes:
        async with self._lock:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.write(msgspec.json.encode(order) + b"\n")
            answer = await self._process.stdout.readline()
            if not answer:
                raise RuntimeError("the crowd's process ended")
            return answer


@asynccontextmanager
async def load_clients(plan: Plan) -> AsyncIterator[LoadClients]:
    """A crowd that begins to follow, and goes when the context ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chaos.load_clients",
        cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 26,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(plan) + b"\n")
    try:
        yield LoadClients(process, plan.count)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class ClientPool:
    """The followers, inside the process."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._dice = random.Random(plan.seed)
        kinds = [MANNERS[kind] for kind in plan.kinds]
        self._tails = [
            StreamFollower(
                kinds[n % len(kinds)], plan.seeded, plan.cursor, SMALL if n < plan.slow else 0
            )
            for n in range(plan.count)
        ]
        self._returns = 0
        self._tasks = [asyncio.create_task(self._follow(tail)) for tail in self._tails]

    async def _follow(self, tail: StreamFollower) -> None:
        """Follow for ever, and come back when the server says, else soon."""
        while True:
            with contextlib.suppress(OSError, UnexpectedStatus, TimeoutError):
                await tail.follow(self._plan.port)
            self._returns += 1
            soon = self._dice.uniform(*RECONNECT_SECONDS)
            await asyncio.sleep(max(soon, self._plan.patience * tail.retry_ms / 1000))

    def execute(self, order: Command) -> Struct:
        """Do what is asked."""
        slow = self._tails[: self._plan.slow]
        match order.do:
            case "stop":
                for tail in slow:
                    tail.reads.clear()
            case "read":
                for tail in slow:
                    tail.reads.set()
            case "heard":
                return self._heard(order.sent)
        return State(sum(tail.ready.is_set() for tail in self._tails), self._returns)

    def _heard(self, sent: Mapping[str, float]) -> Report:
        quick = self._tails[self._plan.slow :]
        return Report(
            missed=sum(len(sent.keys() - tail.words.keys()) for tail in self._tails),
            doubled=sum(len(ids) > 1 for tail in self._tails for ids in tail.words.values()),
            resets=sum(tail.resets for tail in self._tails),
            delays_s=[
                tail.came[word] - at
                for tail in quick
                for word, at in sent.items()
                if word in tail.came
            ],
        )


async def _serve_commands() -> None:
    raise_file_limit()
    reader = asyncio.StreamReader(limit=1 << 26)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    members = ClientPool(msgspec.json.decode(await reader.readline(), type=Plan))
    while line := await reader.readline():
        told = members.execute(msgspec.json.decode(line, type=Command))
        sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(_serve_commands())
