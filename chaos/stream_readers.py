"""Thousands of clients that follow streams, in a process of their own, so that they take no time
from the process that measures.

plan = Plan(port=server.port, tenant=tenant, count=1000, cursor=start)
async with stream_readers(plan) as clients:
    await clients.all_reconnected(within=60)
    await clients.stop_reading()
    report = await clients.report({"send-0000001": sent_at})
"""

import asyncio
import contextlib
import random
import resource
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import uvloop
from msgspec import Struct

from chaos.seeded_tenant import SeededTenant
from chaos.stream_client import StreamClient
from chaos.stream_parsers import UnexpectedStatus
from chaos.stream_protocols import PROTOCOLS

ROOT = Path(__file__).parent.parent
KINDS = ("native", "socket")
SMALL_RECEIVE_BUFFER = 4096
"""Bytes of the receive buffer of a client that will stop reading. The default would accept so much
that the server would not notice."""
RECONNECT_SECONDS = (0.05, 0.5)
POLL_SECONDS = 0.05


class Plan(Struct, frozen=True, kw_only=True):
    """`count` clients of which the first `slow` can stop reading. A client waits for the share
    `retry_share` of the `retry_ms` that a closing server asks for, then reconnects."""

    port: int
    tenant: SeededTenant
    count: int
    cursor: str
    slow: int = 0
    kinds: Sequence[str] = KINDS
    seed: int = 1
    retry_share: float = 1.0


class Report(Struct, frozen=True):
    """What the clients received of some messages. `missed` is the sum over all clients; `delays_s`
    are the seconds from the send of each message until each client that reads received it."""

    missed: int
    doubled: int
    resets: int
    delays_s: list[float]


class State(Struct, frozen=True):
    """How many clients follow a stream now, and how often they reconnected in all."""

    following: int
    reconnects: int


class Command(Struct, frozen=True):
    """What the process is to do; `sent` has the first words of messages, and when each was sent
    (monotonic seconds)."""

    action: str
    sent: dict[str, float] = {}


class StreamReaders:
    """The process of the clients, as the rig uses it; made by `stream_readers`."""

    def __init__(self, process: asyncio.subprocess.Process, count: int) -> None:
        self._process = process
        self._lock = asyncio.Lock()
        self.count = count

    async def state(self) -> State:
        """How many clients follow a stream now."""
        return msgspec.json.decode(await self._execute(Command("state")), type=State)

    async def report(self, sent: Mapping[str, float]) -> Report:
        """What the clients received of these messages."""
        return msgspec.json.decode(await self._execute(Command("report", dict(sent))), type=Report)

    async def stop_reading(self) -> None:
        """Let the first `slow` clients stop reading."""
        await self._execute(Command("stop"))

    async def resume_reading(self) -> None:
        """Let them read again."""
        await self._execute(Command("read"))

    async def all_reconnected(self, within: float) -> float:
        """Wait until all clients follow; return the seconds it took. Raises TimeoutError."""
        began = time.monotonic()
        while (now := await self.state()).following < self.count:
            if time.monotonic() - began > within:
                raise TimeoutError(f"{now.following} of {self.count} follow")
            await asyncio.sleep(POLL_SECONDS)
        return time.monotonic() - began

    async def _execute(self, command: Command) -> bytes:
        async with self._lock:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.write(msgspec.json.encode(command) + b"\n")
            line = await self._process.stdout.readline()
            if not line:
                raise RuntimeError("the process of the stream readers ended")
            return line


@asynccontextmanager
async def stream_readers(plan: Plan) -> AsyncIterator[StreamReaders]:
    """Start a process of clients that follow streams; it is killed at the end of the context."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chaos.stream_readers",
        cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 26,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(plan) + b"\n")
    try:
        yield StreamReaders(process, plan.count)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class ClientPool:
    """The clients, in their own process."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._rng = random.Random(plan.seed)
        kinds = [PROTOCOLS[kind] for kind in plan.kinds]
        self._clients = [
            StreamClient(
                kinds[n % len(kinds)],
                plan.tenant,
                plan.cursor,
                SMALL_RECEIVE_BUFFER if n < plan.slow else 0,
            )
            for n in range(plan.count)
        ]
        self._reconnects = 0
        self._tasks = [asyncio.create_task(self._follow(client)) for client in self._clients]

    async def _follow(self, client: StreamClient) -> None:
        """Follow for ever; reconnect after the pause that the server asks for, or a random one."""
        while True:
            with contextlib.suppress(OSError, UnexpectedStatus, TimeoutError):
                await client.follow(self._plan.port)
            self._reconnects += 1
            pause_s = self._rng.uniform(*RECONNECT_SECONDS)
            await asyncio.sleep(max(pause_s, self._plan.retry_share * client.retry_ms / 1000))

    def execute(self, command: Command) -> Struct:
        """Execute a command of the rig."""
        slow_clients = self._clients[: self._plan.slow]
        match command.action:
            case "stop":
                for client in slow_clients:
                    client.reading.clear()
            case "read":
                for client in slow_clients:
                    client.reading.set()
            case "report":
                return self._report(command.sent)
        return State(sum(client.ready.is_set() for client in self._clients), self._reconnects)

    def _report(self, sent: Mapping[str, float]) -> Report:
        fast_clients = self._clients[self._plan.slow :]
        return Report(
            missed=sum(len(sent.keys() - client.ids_by_key.keys()) for client in self._clients),
            doubled=sum(
                len(ids) > 1 for client in self._clients for ids in client.ids_by_key.values()
            ),
            resets=sum(client.resets for client in self._clients),
            delays_s=[
                client.received_at[key] - at
                for client in fast_clients
                for key, at in sent.items()
                if key in client.received_at
            ],
        )


async def _serve_commands() -> None:
    # Not koine.server.rlimits: to import it costs a second of CPU.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS reports a limit that it does not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    reader = asyncio.StreamReader(limit=1 << 26)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    pool = ClientPool(msgspec.json.decode(await reader.readline(), type=Plan))
    while line := await reader.readline():
        result = pool.execute(msgspec.json.decode(line, type=Command))
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(_serve_commands())
