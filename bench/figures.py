"""What a run found: samples by name, their medians, and the ratios that were promised."""

from collections import defaultdict
from statistics import median

from msgspec import Struct

from bench.generator import Load


class Sample(Struct, frozen=True):
    """One measurement: how many a second, and latencies in ms where they are known."""

    rate: float
    p50_ms: float | None = None
    p99_ms: float | None = None


class Target(Struct, frozen=True):
    """One promise: a figure, where it is in the report, and its bound."""

    group: str
    name: str
    bound: float
    at_least: bool

    def met(self, value: float) -> bool:
        """Whether the promise is kept."""
        return value >= self.bound if self.at_least else value <= self.bound


TARGETS = (
    Target("ratios", "send_c64_over_pgbench_c64", 0.8, True),
    Target("ratios", "hot_send_over_pgbench_hot", 2.0, True),
    Target("ratios", "sqlite_send_over_commits", 1.5, True),
    Target("latency", "send_c1_p50_over_allowed", 1.0, False),
    Target("rates", "list_conversations", 1_500, True),
    Target("rates", "list_messages", 2_000, True),
    Target("ratios", "send_c64_told_over_pgbench_c64", 0.7, True),
    Target("rates", "deliveries", 1_000, True),
    Target("latency", "seats_p99_ms", 250, False),
    Target("memory_mb", "10,000 sockets", 450, False),
    Target("memory_mb", "idle", 90, False),
    Target("seconds", "first_answer", 1.5, False),
)
"""`send_c1_p50_over_allowed` is the p50 of a lone sender over 1.5 x pgbench's latency + 1 ms; a
send that is `told` has an Idempotency-Key of its own and a webhook is told of it."""

_RATIOS = {
    "send_c64_over_pgbench_c64": ("postgres send c64", "postgres pgbench c64"),
    "hot_send_over_pgbench_hot": ("postgres send hot", "postgres pgbench hot"),
    "sqlite_send_over_commits": ("sqlite send c64", "sqlite commits"),
    "send_c16_over_pgbench_c16": ("postgres send c16", "postgres pgbench c16"),
    "send_c64_told_over_pgbench_c64": ("postgres send c64, told", "postgres pgbench c64, told"),
    "send_c64_two_workers_over_pgbench_c64": (
        "postgres send c64, two workers",
        "postgres pgbench c64",
    ),
}


class Figures:
    """The samples of a run. Names are "<database> <what>"."""

    def __init__(self) -> None:
        self.samples: defaultdict[str, list[Sample]] = defaultdict(list)
        self.memory: defaultdict[str, list[float]] = defaultdict(list)
        self.seats: list[dict[str, float]] = []
        self.starts: defaultdict[str, list[float]] = defaultdict(list)

    def add_load(self, name: str, load: Load) -> None:
        """Keep what the load generator measured."""
        self.samples[name].append(Sample(load.rate, load.p50_ms, load.p99_ms))

    def median_of(self, name: str) -> Sample:
        """The medians of a name's samples."""
        found = self.samples[name]
        p50 = [s.p50_ms for s in found if s.p50_ms is not None]
        p99 = [s.p99_ms for s in found if s.p99_ms is not None]
        return Sample(
            median(s.rate for s in found),
            median(p50) if p50 else None,
            median(p99) if p99 else None,
        )

    def rate(self, name: str) -> float:
        """The median rate of a name."""
        return self.median_of(name).rate

    def summary(self) -> dict[str, dict[str, float]]:
        """What bench/latest.json says, but for the machine and the samples themselves.

        Memory and the time to the first answer are those of the worse database.
        """
        alone = self.median_of("postgres pgbench c1").p50_ms or 0.0
        mine = self.median_of("postgres send c1").p50_ms or 0.0
        return {
            "ratios": {name: self._over(*pair) for name, pair in _RATIOS.items()},
            "latency": {
                "send_c1_p50_ms": mine,
                "pgbench_c1_ms": alone,
                "send_c1_p50_over_allowed": mine / (1.5 * alone + 1),
                **{
                    f"seats_{name}_ms": max(each[name] for each in self.seats)
                    for name in ("p50", "p99", "max")
                },
            },
            "rates": {
                "list_conversations": self.rate("postgres list conversations"),
                "list_conversations_of_all": self.rate("postgres list conversations of all"),
                "list_messages": self.rate("postgres list messages"),
                "deliveries": self.rate("postgres deliveries"),
                "sqlite_list_conversations": self.rate("sqlite list conversations"),
                "sqlite_list_conversations_of_all": self.rate("sqlite list conversations of all"),
                "sqlite_list_messages": self.rate("sqlite list messages"),
            },
            "memory_mb": {
                "idle": max(max(each) for name, each in self.memory.items() if "idle" in name),
                **{name: max(each) for name, each in self.memory.items()},
            },
            "seconds": {
                "first_answer": max(median(each) for each in self.starts.values()),
                **{f"first_answer {name}": median(each) for name, each in self.starts.items()},
            },
        }

    def _over(self, name: str, ceiling: str) -> float:
        return self.rate(name) / self.rate(ceiling)
