"""The results of a run: samples by name, their medians, and the targets they must meet."""

from collections import defaultdict
from statistics import median

from msgspec import Struct

from bench.generator import LoadResult


class Sample(Struct, frozen=True):
    """One measurement: how many a second, and latencies in ms where they are measured."""

    rate: float
    p50_ms: float | None = None
    p99_ms: float | None = None


class Target(Struct, frozen=True):
    """A documented bound of one figure, `name` in the `group` of the report."""

    group: str
    name: str
    bound: float
    at_least: bool

    def met(self, value: float) -> bool:
        """Whether the figure is within the bound."""
        return value >= self.bound if self.at_least else value <= self.bound


TARGETS = (
    Target("ratios", "send_c64_over_pgbench_c64", 0.8, True),
    Target("ratios", "hot_send_over_pgbench_hot", 2.0, True),
    Target("ratios", "sqlite_send_over_commits", 1.5, True),
    Target("latency", "send_c1_p50_over_allowed", 1.0, False),
    Target("rates", "list_conversations", 1_500, True),
    Target("rates", "list_messages", 2_000, True),
    Target("ratios", "send_c64_with_webhook_over_pgbench_c64", 0.7, True),
    Target("rates", "deliveries", 1_000, True),
    Target("latency", "stream_p99_ms", 250, False),
    Target("memory_mb", "10,000 sockets", 450, False),
    Target("memory_mb", "idle", 90, False),
    Target("seconds", "first_response", 1.5, False),
)
"""`send_c1_p50_over_allowed` is the p50 of a single sender over 1.5 x pgbench's latency + 1 ms. A
send `with_webhook` has an Idempotency-Key of its own and causes a delivery."""

_RATIOS = {
    "send_c64_over_pgbench_c64": ("postgres send c64", "postgres pgbench c64"),
    "hot_send_over_pgbench_hot": ("postgres send hot", "postgres pgbench hot"),
    "sqlite_send_over_commits": ("sqlite send c64", "sqlite commits"),
    "send_c16_over_pgbench_c16": ("postgres send c16", "postgres pgbench c16"),
    "send_c64_with_webhook_over_pgbench_c64": (
        "postgres send c64, with webhook",
        "postgres pgbench c64, with webhook",
    ),
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
        self.stream_delays: list[dict[str, float]] = []
        self.starts: defaultdict[str, list[float]] = defaultdict(list)

    def add_load(self, name: str, load: LoadResult) -> None:
        """Add what the load generator measured."""
        self.samples[name].append(Sample(load.rate, load.p50_ms, load.p99_ms))

    def median_of(self, name: str) -> Sample:
        """The medians of a name's samples."""
        samples = self.samples[name]
        p50 = [s.p50_ms for s in samples if s.p50_ms is not None]
        p99 = [s.p99_ms for s in samples if s.p99_ms is not None]
        return Sample(
            median(s.rate for s in samples),
            median(p50) if p50 else None,
            median(p99) if p99 else None,
        )

    def rate(self, name: str) -> float:
        """The median rate of a name."""
        return self.median_of(name).rate

    def summary(self) -> dict[str, dict[str, float]]:
        """The figures of bench/latest.json, without the machine and the single samples.

        Memory and the time to the first response are those of the worse database.
        """
        pgbench = self.median_of("postgres pgbench c1").p50_ms or 0.0
        send = self.median_of("postgres send c1").p50_ms or 0.0
        return {
            "ratios": {name: self._over(*pair) for name, pair in _RATIOS.items()},
            "latency": {
                "send_c1_p50_ms": send,
                "pgbench_c1_ms": pgbench,
                "send_c1_p50_over_allowed": send / (1.5 * pgbench + 1),
                **{
                    f"stream_{name}_ms": max(each[name] for each in self.stream_delays)
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
                "first_response": max(median(each) for each in self.starts.values()),
                **{f"first_response {name}": median(each) for name, each in self.starts.items()},
            },
        }

    def _over(self, name: str, ceiling: str) -> float:
        return self.rate(name) / self.rate(ceiling)
