"""`koine serve` as a process of its own, to be killed, stopped, restarted and looked at.

home = ServerHome(folder)                  # SQLite in a folder, or
home = ServerHome(folder, postgres_url)    # a PostgreSQL database
seeded = await seed(home)                  # chaos/seed.py: people, conversations, credentials
async with nodes(home, 2, settings={"pool_size": 4}) as (first, second):
    first.kill9()
    first.start()
    await first.wait_ready()
"""

import asyncio
import contextlib
import os
import random
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from chaos.http_client import HOST, Cut, get
from chaos.prefork import ForkedServer, Prefork, shared_prefork
from koine.kit.settings import Settings, environment, load

ROOT = Path(__file__).parent.parent
STARTS_WITHIN = 60.0
STOPS_WITHIN = 30.0
LOOK_EVERY = 0.005
PORTS = range(20_000, 32_000)
"""Below those that outgoing connections take: nobody gets a port while its server is down."""
QUIET: dict[str, object] = {
    "rate_limit_per_minute": 0,
    "inbox_rate_limit_per_minute": 0,
    "inbox_contacts_per_address": 0,
    "inbox_contacts_per_inbox": 0,
    "inbox_conversations_per_contact": 0,
    "inbox_bytes_per_address": 0,
    "inbox_bytes_per_inbox": 0,
    "connections_per_address": 0,
    "streams_per_address": 0,
    "streams_per_credential": 0,
    "unsafe_database": True,
    "drain_seconds": 0,
}
"""A few clients here do what thousands would, the tests' PostgreSQL syncs nothing, and there is no
balancer to wait for."""


class ServerHome(Struct, frozen=True):
    """Where servers keep their data: a folder, and the URL of a database (empty: SQLite there)."""

    folder: Path
    database_url: str = ""

    @property
    def database(self) -> str:
        """`sqlite` or `postgres`."""
        return "postgres" if self.database_url else "sqlite"

    def settings(self, given: Mapping[str, object] | None = None) -> Settings:
        """The settings of a server here, with `given` (by the names of kit.settings) among them."""
        place = {"data_dir": str(self.folder / "data"), "database_url": self.database_url}
        return load({}, QUIET | place | dict(given or {}))


class ServerNotReady(Exception):
    """The server ended, or did not answer in time; the message has the end of its log."""


class Server:
    """One `koine serve`, of one or several workers, always on the same port of 127.0.0.1.

    `settings` are given by the names of kit.settings. `sabotage` names a module of
    chaos/planted_faults that is imported before it serves. It is forked from `prefork`, or from the
    one of this process (chaos/prefork.py). Nothing runs before `start`.
    """

    def __init__(
        self,
        home: ServerHome,
        *,
        port: int = 0,
        workers: int = 1,
        settings: Mapping[str, object] | None = None,
        sabotage: str = "",
        prefork: Prefork | None = None,
    ) -> None:
        self.home = home
        self.port = port or free_port()
        given = {"port": self.port, "workers": workers, **(settings or {})}
        self.settings = home.settings(given)
        self.log = home.folder / f"server-{self.port}.log"
        self._sabotage = sabotage
        self._prefork = prefork or shared_prefork()
        self._process: ForkedServer | None = None

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The process that was started; its workers, if several, are its children."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process; it is not waited for. A former one must have ended."""
        assert not self.runs, "runs already"
        self.home.folder.mkdir(parents=True, exist_ok=True)
        self._process = self._prefork.fork(_environment(self.settings), self.log, self._sabotage)

    async def wait_ready(self, within: float = STARTS_WITHIN) -> float:
        """Wait until /readyz says 200; answers the seconds it took. Raises DoesNotServe."""
        began = time.monotonic()
        while not await self.is_ready():
            if not self.runs or time.monotonic() - began > within:
                raise ServerNotReady(f"{self.url}\n{self.log.read_text()[-3000:]}")
            await asyncio.sleep(LOOK_EVERY)
        return time.monotonic() - began

    async def is_ready(self) -> bool:
        """Whether /readyz says 200 now."""
        try:
            return (await get(self.port, "/readyz")).status == 200
        except (OSError, Cut, TimeoutError):
            return False

    def kill(self) -> None:
        """Kill it, workers and all, so that it can do nothing more. Harmless when it is gone."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(STOPS_WITHIN)

    def send_signal(self, number: int) -> None:
        """Send a signal to the process (SIGSTOP, SIGTERM, …)."""
        assert self._process is not None, "not started"
        self._process.send_signal(number)

    async def terminate(self) -> int:
        """Tell it to stop and wait; answers its exit code."""
        self.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self, within: float = STOPS_WITHIN) -> int:
        """Wait for its end; answers its exit code. Raises TimeoutError."""
        assert self._process is not None, "not started"
        until = time.monotonic() + within
        while self._process.poll() is None:
            if time.monotonic() > until:
                raise TimeoutError(f"{self.url} does not end")
            await asyncio.sleep(LOOK_EVERY)
        return self._process.poll() or 0


@asynccontextmanager
async def nodes(
    home: ServerHome,
    n: int = 1,
    *,
    workers: int = 1,
    settings: Mapping[str, object] | None = None,
    sabotage: str = "",
) -> AsyncIterator[list[Server]]:
    """`n` servers on one database, ready; killed when the context ends. More than one of them, or
    of workers, needs PostgreSQL."""
    with unstarted(home, n, workers=workers, settings=settings, sabotage=sabotage) as made:
        for each in made:
            each.start()
        for each in made:
            await each.wait_ready()
        yield made


@contextlib.contextmanager
def unstarted(
    home: ServerHome,
    n: int = 1,
    *,
    workers: int = 1,
    settings: Mapping[str, object] | None = None,
    sabotage: str = "",
) -> Iterator[list[Server]]:
    """As `nodes`, for a caller that starts them itself; killed when the context ends."""
    made = [Server(home, workers=workers, settings=settings, sabotage=sabotage) for _ in range(n)]
    try:
        yield made
    finally:
        for each in made:
            each.kill()


def free_port() -> int:
    """A port of 127.0.0.1 where nobody listens."""
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise OSError("no port is free")


def _environment(settings: Settings) -> dict[str, str]:
    """No setting of whoever runs the chaos gets in."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KOINE_")}
    return clean | environment(settings)
