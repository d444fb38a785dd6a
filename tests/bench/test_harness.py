"""The benchmark reads what its tools print, and its tenants are as the engine would write them."""

from pathlib import Path

import asyncpg
import pytest

from bench import generator, postgres, report, sqlite
from bench.figures import Figures, Sample
from bench.generator import Generator
from bench.tenant_size import ADMIN, PERSON, TenantSize, uuid
from koine.engine.conversations import conversations
from koine.engine.core.engine import open_engine
from koine.kit.clock import SystemClock
from koine.model.actor import Actor
from koine.model.filters import ConversationFilter
from koine.model.page import page_window
from koine.store.core.db import Database
from koine.store.postgres import PostgresDatabase
from koine.store.sqlite import SqliteDatabase
from tests.cast import make_settings as settings
from tests.support.shared_postgres import SharedPostgres

SIZE = TenantSize(
    conversations=50, messages=5, drivers=3, customers=7, deep_messages=30, closed=True
)
PGBENCH = """
number of transactions actually processed: 100
number of failed transactions: 2 (2.000%)
latency average = 1.250 ms
initial connection time = 3.1 ms
tps = 800.500000 (without initial connection time)
"""


def test_the_output_of_pgbench_is_parsed() -> None:
    assert postgres.parse(PGBENCH) == postgres.Run(rate=800.5, average_ms=1.25, failed=2)


def test_an_unknown_output_of_pgbench_is_an_error() -> None:
    with pytest.raises(RuntimeError):
        postgres.parse("tps = a lot")


def test_the_output_of_the_generator_is_parsed() -> None:
    output = (
        '{"requests": 30, "failures": 0, "seconds": 2.0, "bytes": 99, "p50_ms": 1.5, '
        '"p99_ms": 9.5, "cpu_seconds": 0.1}'
    )
    assert generator.parse(output).rate == 15


def test_the_generator_compiles_and_fails_when_it_cannot_connect(tmp_path: Path) -> None:
    compiled = Generator(tmp_path)
    requests = compiled.prepare("requests", [generator.get("/", "token")])
    with pytest.raises(generator.LoadFailed, match="connect"):
        compiled.run(1, requests, 1, 0.1)


def test_a_figure_is_its_median() -> None:
    figures = Figures()
    figures.samples["x"] += [Sample(1.0, 5.0), Sample(9.0, 6.0), Sample(2.0, 7.0)]
    assert figures.median_of("x") == Sample(2.0, 6.0)


def test_every_ceiling_has_a_figure() -> None:
    assert not [name for name in report.CEILINGS if name.split()[0] not in ("postgres", "sqlite")]


async def test_the_counters_of_a_world_in_sqlite_are_right(tmp_path: Path) -> None:
    path = tmp_path / "koine.db"
    await sqlite.fill(path, SIZE)
    database = await SqliteDatabase.open(path)
    await assert_totals_match_lists(database)
    await database.close()


async def test_the_ceiling_on_sqlite_commits_sends(tmp_path: Path) -> None:
    path = tmp_path / "koine.db"
    open_size = TenantSize(conversations=5, messages=3, drivers=2, customers=2, deep_messages=3)
    await sqlite.fill(path, open_size)
    assert sqlite.CommittedSends(path, open_size).run(0.05) > 0


async def test_the_counters_of_a_world_in_postgres_are_right(
    shared_postgres: SharedPostgres,
) -> None:
    url = shared_postgres.new_empty_database()
    await postgres.fill(url, SIZE)
    database = await PostgresDatabase.open(url)
    await assert_totals_match_lists(database)
    await database.close()


async def test_the_ceiling_on_postgres_is_one_send(shared_postgres: SharedPostgres) -> None:
    url = shared_postgres.new_empty_database()
    await postgres.fill(url, SIZE)
    connection = await asyncpg.connect(url)
    statement = postgres.script_text(SIZE, hot=False).partition("WITH")[2]
    driver = SIZE.driver_of(7)
    row = await connection.fetchrow(
        "WITH" + statement.replace(":n", "7").replace(":sender", str(driver))
    )
    await connection.close()
    assert (row["last_seq"], row["role"]) == (SIZE.messages + 1, "driver")


async def assert_totals_match_lists(database: Database) -> None:
    """The totals that the engine reads from the counters are the lengths of its lists."""
    engine = await open_engine(database, SystemClock(), settings(), {})
    admin = Actor(
        SIZE.tenant_id(), "user", uuid(PERSON, ADMIN), "tenant_admin",
        frozenset({"view:tenant"}),
    )  # fmt: skip
    driver = uuid(PERSON, SIZE.driver_of(1))
    for f, total in (
        (ConversationFilter(), 50),
        (ConversationFilter(statuses=("closed",)), 20),
        (ConversationFilter(kinds=("team",)), 5),
        (ConversationFilter(participant_id=driver), 17),
        (ConversationFilter(participant_id=driver, search="ORD-"), 17),
    ):
        page = await conversations.find_page(engine, admin, f, page_window(1, 100))
        assert (page.total, len(page.items)) == (total, total)
