"""`koine serve` in a process of its own, which a rig can kill, stop, restart and measure.

home = ServerHome(folder)                  # SQLite in a folder, or
home = ServerHome(folder, postgres_url)    # a PostgreSQL database
tenant = await seed(home)                  # chaos/seed.py: users, conversations, credentials
async with nodes(home, 2, settings={"pool_size": 4}) as (first, second):
    first.kill()
    first.start()
    await first.wait_ready()
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from chaos.http_client import HOST, IncompleteResponse, get
from chaos.prefork import ForkedServer, Prefork, shared_prefork
from koine.kit.settings import Settings, environment, load
from tests.support.ports import free_port

ROOT = Path(__file__).parent.parent
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
POLL_S = 0.005
NO_LIMITS: dict[str, object] = {
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
"""A few clients stand for thousands here, so nothing is limited for one address or credential; the
PostgreSQL of the tests may run without fsync; no load balancer needs time to notice a drain."""


class ServerHome(Struct, frozen=True):
    """Where servers keep their data: a folder, and a database URL (empty: SQLite in the folder)."""

    folder: Path
    database_url: str = ""

    @property
    def database(self) -> str:
        """`sqlite` or `postgres`."""
        return "postgres" if self.database_url else "sqlite"

    def settings(self, overrides: Mapping[str, object] | None = None) -> Settings:
        """The settings of a server with this data; `overrides` are by the names of kit.settings."""
        place = {"data_dir": str(self.folder / "data"), "database_url": self.database_url}
        return load({}, NO_LIMITS | place | dict(overrides or {}))


class ServerNotReady(Exception):
    """The server ended, or was not ready in time; the message contains the end of its log."""


class Server:
    """One `koine serve`, of one or several workers, always on the same port of 127.0.0.1.

    `settings` are by the names of kit.settings; `fault` names a module of chaos/planted_faults that
    is imported before the server starts. The process is forked by `prefork`, or by the shared one
    of this process (chaos/prefork.py). No process runs before `start`.
    """

    def __init__(
        self,
        home: ServerHome,
        *,
        port: int = 0,
        workers: int = 1,
        settings: Mapping[str, object] | None = None,
        fault: str = "",
        prefork: Prefork | None = None,
    ) -> None:
        self.home = home
        self.port = port or free_port()
        overrides = {"port": self.port, "workers": workers, **(settings or {})}
        self.settings = home.settings(overrides)
        self.log = home.folder / f"server-{self.port}.log"
        self._fault = fault
        self._prefork = prefork or shared_prefork()
        self._process: ForkedServer | None = None

    @property
    def url(self) -> str:
        """Its URL, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The pid of the started process; with several workers, they are its children."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether the process is running."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process, without waiting until it is ready. A former one must have ended."""
        assert not self.runs, "already running"
        self.home.folder.mkdir(parents=True, exist_ok=True)
        self._process = self._prefork.fork(_environment(self.settings), self.log, self._fault)

    async def wait_ready(self, within: float = START_TIMEOUT_S) -> float:
        """Wait until /readyz responds with 200; return the seconds. Raises ServerNotReady."""
        began = time.monotonic()
        while not await self.is_ready():
            if not self.runs or time.monotonic() - began > within:
                raise ServerNotReady(f"{self.url}\n{self.log.read_text()[-3000:]}")
            await asyncio.sleep(POLL_S)
        return time.monotonic() - began

    async def is_ready(self) -> bool:
        """Whether /readyz responds with 200 now."""
        try:
            return (await get(self.port, "/readyz")).status == 200
        except (OSError, IncompleteResponse, TimeoutError):
            return False

    def kill(self) -> None:
        """Send SIGKILL to the process and its workers, and wait for its end, if it runs."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(STOP_TIMEOUT_S)

    def send_signal(self, number: int) -> None:
        """Send a signal to the process (SIGSTOP, SIGTERM, …)."""
        assert self._process is not None, "not started"
        self._process.send_signal(number)

    async def terminate(self) -> int:
        """Send SIGTERM and wait; return the exit code."""
        self.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self, within: float = STOP_TIMEOUT_S) -> int:
        """Wait until the process has ended; return its exit code. Raises TimeoutError."""
        assert self._process is not None, "not started"
        until = time.monotonic() + within
        while self._process.poll() is None:
            if time.monotonic() > until:
                raise TimeoutError(f"{self.url} does not end")
            await asyncio.sleep(POLL_S)
        return self._process.poll() or 0


@asynccontextmanager
async def nodes(
    home: ServerHome,
    n: int = 1,
    *,
    workers: int = 1,
    settings: Mapping[str, object] | None = None,
    fault: str = "",
) -> AsyncIterator[list[Server]]:
    """`n` servers on one database, ready; killed at the end of the context. Several servers or
    workers need PostgreSQL."""
    with unstarted(home, n, workers=workers, settings=settings, fault=fault) as servers:
        for each in servers:
            each.start()
        for each in servers:
            await each.wait_ready()
        yield servers


@contextlib.contextmanager
def unstarted(
    home: ServerHome,
    n: int = 1,
    *,
    workers: int = 1,
    settings: Mapping[str, object] | None = None,
    fault: str = "",
) -> Iterator[list[Server]]:
    """As `nodes`, for a caller that starts the servers itself."""
    servers = [Server(home, workers=workers, settings=settings, fault=fault) for _ in range(n)]
    try:
        yield servers
    finally:
        for each in servers:
            each.kill()


def _environment(settings: Settings) -> dict[str, str]:
    """The variables of this process, without its own KOINE_ settings, and those of the server."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KOINE_")}
    return clean | environment(settings)
