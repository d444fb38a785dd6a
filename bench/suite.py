"""What is measured, and in which order.

Rounds are short and interleaved: whatever else the machine does, and however its speed drifts,
falls on a figure and on its ceiling alike. Each figure is the median of its rounds.
"""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct

from bench import after_commit, postgres, sqlite, workload
from bench.after_commit import Audience
from bench.figures import Figures, Sample
from bench.generator import Generator
from bench.server import Server
from bench.workload import Calls
from bench.world import SMALL, TINY, World
from tests.support.postgres import Postgres

Say = Callable[[str], None]


class Scale(Struct, frozen=True):
    """How often and how long to measure, over which world, and with how many live readers."""

    world: World = SMALL
    rounds: int = 3
    seconds: float = 3
    warm_up_seconds: float = 1
    starts: int = 3
    audience: Audience = Audience()


SHORT = Scale(TINY, 1, 0.3, 1, 1, Audience(streams=20, messages=2, sockets=20))
"""Everything once, in some twenty seconds."""


class Suite:
    """One run of everything over one world."""

    def __init__(self, scale: Scale, directory: Path, say: Say) -> None:
        self._scale = scale
        self._world = world = scale.world
        self._directory = directory
        self._rounds = scale.rounds
        self._seconds = scale.seconds
        self._say = say
        self._generator = Generator(directory)
        self._calls: Calls = workload.prepare(self._generator, world)
        self.figures = Figures()

    def on_postgres(self, cluster: Postgres) -> None:
        """Everything on a PostgreSQL that is filled: pgbench, one worker, two workers."""
        self._start_often("postgres", cluster.url)
        with ExitStack() as stack:
            one = stack.enter_context(Server(cluster.url, self._directory))
            self._rest("postgres", one)
            two = stack.enter_context(Server(cluster.url, self._directory, workers=2))
            self._warm_up(one, two)
            for number in range(1, self._rounds + 1):
                self._say(f"PostgreSQL, round {number} of {self._rounds}")
                self._pair(cluster, one, 1)
                self._pair(cluster, one, 16)
                self._pair(cluster, one, 64)
                self._load("postgres send c64, two workers", two, self._calls.send, 64)
                self._pair(cluster, one, 64, hot=True)
                self._lists("postgres", one)
            self.figures.memory["postgres under load"].append(one.memory_mb())
            self.figures.memory["postgres under load, two workers"].append(two.memory_mb())
        self._live(cluster)

    def _live(self, cluster: Postgres) -> None:
        """What happens after the commit, in a server of its own."""
        with Server(cluster.url, self._directory, settings=after_commit.SETTINGS) as server:
            self._warm_up(server)
            audience = self._scale.audience
            self._say(f"{audience.streams:,} streams, {audience.sockets:,} sockets")
            self.figures.seats.append(after_commit.stream_delays(server, self._calls, audience))
            with after_commit.webhook_receiver(
                server, self._calls, self._directory / "receive"
            ) as receiver:
                for number in range(1, self._rounds + 1):
                    self._say(f"sends that are told to a webhook, round {number} of {self._rounds}")
                    self._pair(cluster, server, 64, told=True)
                    rate = after_commit.deliveries(receiver, self._seconds)
                    self.figures.samples["postgres deliveries"].append(Sample(rate))
        with Server(cluster.url, self._directory) as server:
            self.figures.memory["10,000 sockets"].append(
                after_commit.websocket_rate(server, self._calls, self._scale.audience.sockets)
            )

    def on_sqlite(self, path: Path) -> None:
        """Everything on a SQLite file that is filled: commits one by one, and the server."""
        url = f"sqlite:///{path}"
        commits = sqlite.Commits(path, self._world)
        self._start_often("sqlite", url)
        with Server(url, self._directory) as server:
            self._rest("sqlite", server)
            self._warm_up(server)
            for number in range(1, self._rounds + 1):
                self._say(f"SQLite, round {number} of {self._rounds}")
                rate = commits.run(self._seconds)
                self.figures.samples["sqlite commits"].append(Sample(rate, 1000 / rate))
                self._load("sqlite send c1", server, self._calls.send, 1)
                self._load("sqlite send c64", server, self._calls.send, 64)
                self._load("sqlite send hot", server, self._calls.send_hot, 64)
                self._lists("sqlite", server)
            self.figures.memory["sqlite under load"].append(server.memory_mb())

    def _start_often(self, database: str, url: str) -> None:
        """From start to first answer, on a database that is there."""
        self._say(f"starting on {database}")
        for _ in range(self._scale.starts):
            with Server(url, self._directory) as server:
                self.figures.starts[database].append(server.first_answer)

    def _rest(self, database: str, server: Server) -> None:
        """Memory after one request; then that the lists are what they should be."""
        server.get(workload.LIST, self._calls.driver)
        self.figures.memory[f"{database} idle"].append(server.memory_mb())
        workload.check(server, self._calls, self._world)

    def _warm_up(self, *servers: Server) -> None:
        for server in servers:
            for requests in (self._calls.send, self._calls.list_own, self._calls.list_messages):
                self._generator.run(server.port, requests, 64, self._scale.warm_up_seconds)

    def _pair(
        self, cluster: Postgres, server: Server, clients: int, hot: bool = False, told: bool = False
    ) -> None:
        """pgbench, and at once the same through Koine, with a key each if they are `told` of."""
        name = "hot" if hot else f"c{clients}{', told' if told else ''}"
        run = postgres.pgbench(cluster, self._world, clients, self._seconds, hot=hot)
        if run.failed:
            raise RuntimeError(f"{run.failed} transactions of pgbench failed")
        self.figures.samples[f"postgres pgbench {name}"].append(Sample(run.rate, run.average_ms))
        requests = self._calls.send_hot if hot else self._calls.send
        requests = self._calls.send_keyed if told else requests
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
