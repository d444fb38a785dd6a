"""The measurements, in their order.

Rounds are short and interleaved, so that other load and a changing clock rate affect a figure and
its ceiling alike. Each figure is the median of its rounds.
"""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct

from bench import after_commit, postgres, sqlite, workload
from bench.after_commit import StreamLoad
from bench.figures import Figures, Sample
from bench.generator import Generator
from bench.server import Server
from bench.tenant_size import SMALL, TINY, TenantSize
from bench.workload import Calls
from tests.support.postgres import Postgres

Log = Callable[[str], None]


class Scale(Struct, frozen=True):
    """How often and how long to measure, the size of the tenant, and how many streams are open."""

    size: TenantSize = SMALL
    rounds: int = 3
    seconds: float = 3
    warm_up_seconds: float = 1
    starts: int = 3
    stream_load: StreamLoad = StreamLoad()


SHORT = Scale(
    TINY, 1, 0.02, 0.02, 1, StreamLoad(streams=10, messages=2, sockets=10, interval_s=0, settle_s=0)
)
"""Every measurement once, in about ten seconds."""


class Suite:
    """One run of all measurements of one tenant."""

    def __init__(self, scale: Scale, directory: Path, log: Log) -> None:
        self._scale = scale
        self._size = size = scale.size
        self._directory = directory
        self._rounds = scale.rounds
        self._seconds = scale.seconds
        self._log = log
        self._generator = Generator(directory)
        self._calls: Calls = workload.prepare(self._generator, size)
        self.figures = Figures()

    def on_postgres(self, cluster: Postgres) -> None:
        """Measure on a PostgreSQL with the tenant in it: pgbench, one worker, two workers."""
        self._measure_starts("postgres", cluster.url)
        with ExitStack() as stack:
            one = stack.enter_context(Server(cluster.url, self._directory))
            self.figures.starts["postgres"].append(one.first_response)
            self._measure_idle("postgres", one)
            two = stack.enter_context(Server(cluster.url, self._directory, workers=2))
            self._warm_up(one, two)
            for number in range(1, self._rounds + 1):
                self._log(f"PostgreSQL, round {number} of {self._rounds}")
                self._compare_sends(cluster, one, 1)
                self._compare_sends(cluster, one, 16)
                self._compare_sends(cluster, one, 64)
                self._load("postgres send c64, two workers", two, self._calls.send, 64)
                self._compare_sends(cluster, one, 64, hot=True)
                self._lists("postgres", one)
            self.figures.memory["postgres under load"].append(one.memory_mb())
            self.figures.memory["postgres under load, two workers"].append(two.memory_mb())
        self._measure_after_commit(cluster)

    def _measure_after_commit(self, cluster: Postgres) -> None:
        """Measure streams, deliveries and sockets, with a server of its own."""
        with Server(cluster.url, self._directory, settings=after_commit.SETTINGS) as server:
            self._warm_up(server)
            load = self._scale.stream_load
            self._log(f"{load.streams:,} streams, {load.sockets:,} sockets")
            delays = after_commit.stream_delays(server, self._calls, load)
            self.figures.stream_delays.append(delays)
            with after_commit.webhook_receiver(
                server, self._calls, self._directory / "receive"
            ) as receiver:
                for number in range(1, self._rounds + 1):
                    self._log(f"sends with a webhook, round {number} of {self._rounds}")
                    self._compare_sends(cluster, server, 64, with_webhook=True)
                    rate = after_commit.delivery_rate(receiver, self._seconds)
                    self.figures.samples["postgres deliveries"].append(Sample(rate))
        with Server(cluster.url, self._directory) as server:
            self.figures.memory["10,000 sockets"].append(
                after_commit.memory_with_websockets(server, self._calls, self._scale.stream_load)
            )

    def on_sqlite(self, path: Path) -> None:
        """Measure on a SQLite file with the tenant in it: commits one by one, then the server."""
        url = f"sqlite:///{path}"
        commits = sqlite.CommittedSends(path, self._size)
        self._measure_starts("sqlite", url)
        with Server(url, self._directory) as server:
            self.figures.starts["sqlite"].append(server.first_response)
            self._measure_idle("sqlite", server)
            self._warm_up(server)
            for number in range(1, self._rounds + 1):
                self._log(f"SQLite, round {number} of {self._rounds}")
                rate = commits.run(self._seconds)
                self.figures.samples["sqlite commits"].append(Sample(rate, 1000 / rate))
                self._load("sqlite send c1", server, self._calls.send, 1)
                self._load("sqlite send c64", server, self._calls.send, 64)
                self._load("sqlite send hot", server, self._calls.send_hot, 64)
                self._lists("sqlite", server)
            self.figures.memory["sqlite under load"].append(server.memory_mb())

    def _measure_starts(self, database: str, url: str) -> None:
        """The time from the start to the first response, on an existing database; that of the
        server that is measured next is the last of them."""
        self._log(f"starting on {database}")
        for _ in range(self._scale.starts - 1):
            with Server(url, self._directory) as server:
                self.figures.starts[database].append(server.first_response)

    def _measure_idle(self, database: str, server: Server) -> None:
        """Memory after one request. Also checks the lists, before they are measured."""
        server.get(workload.LIST, self._calls.driver)
        self.figures.memory[f"{database} idle"].append(server.memory_mb())
        workload.check(server, self._calls, self._size)

    def _warm_up(self, *servers: Server) -> None:
        for server in servers:
            for requests in (self._calls.send, self._calls.list_own, self._calls.list_messages):
                self._generator.run(server.port, requests, 64, self._scale.warm_up_seconds)

    def _compare_sends(
        self,
        cluster: Postgres,
        server: Server,
        clients: int,
        hot: bool = False,
        with_webhook: bool = False,
    ) -> None:
        """Send by pgbench, then through the server, there with keys if `with_webhook`."""
        name = "hot" if hot else f"c{clients}{', with webhook' if with_webhook else ''}"
        run = postgres.pgbench(cluster, self._size, clients, self._seconds, hot=hot)
        if run.failed:
            raise RuntimeError(f"{run.failed} transactions of pgbench failed")
        self.figures.samples[f"postgres pgbench {name}"].append(Sample(run.rate, run.average_ms))
        requests = self._calls.send_hot if hot else self._calls.send
        requests = self._calls.send_keyed if with_webhook else requests
        self._load(f"postgres send {name}", server, requests, clients)

    def _lists(self, database: str, server: Server) -> None:
        for name, requests in (
            ("conversations", self._calls.list_own),
            ("conversations of all", self._calls.list_all),
            ("messages", self._calls.list_messages),
        ):
            self._load(f"{database} list {name}", server, requests, 64)

    def _load(self, name: str, server: Server, requests: Path, connections: int) -> None:
        load = self._generator.run(server.port, requests, connections, self._seconds)
        self.figures.add_load(name, load)
