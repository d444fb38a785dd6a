"""The harness itself: it reads what its tools print, and its world is one the engine believes."""

from pathlib import Path

import asyncpg
import pytest

from bench import generator, postgres, report, sqlite
from bench.figures import Figures, Sample
from bench.generator import Generator
from bench.world import ADMIN, PERSON, World, uuid
from koine.engine.conversations import conversations
from koine.engine.core import context as engines
from koine.kit.clock import SystemClock
from koine.model.actor import Actor
from koine.model.filters import ConversationFilter
from koine.model.page import page_window
from koine.store.core.db import Database
from koine.store.postgres import PostgresDatabase
from koine.store.sqlite import SqliteDatabase
from tests.cast import test_settings as settings
from tests.support.shared_postgres import SharedPostgres

WORLD = World(conversations=50, messages=5, drivers=3, customers=7, deep_messages=30, closed=True)
PGBENCH = """
number of transactions actually processed: 100
number of failed transactions: 2 (2.000%)
latency average = 1.250 ms
initial connection time = 3.1 ms
tps = 800.500000 (without initial connection time)
"""


def test_what_pgbench_prints_is_read() -> None:
    assert postgres.parse(PGBENCH) == postgres.Run(rate=800.5, average_ms=1.25, failed=2)


def test_what_pgbench_prints_anew_is_told() -> None:
    with pytest.raises(RuntimeError):
        postgres.parse("tps = a lot")


def test_what_the_generator_prints_is_read() -> None:
    printed = (
        '{"requests": 30, "failures": 0, "seconds": 2.0, "bytes": 99, "p50_ms": 1.5, '
        '"p99_ms": 9.5, "cpu_seconds": 0.1}'
    )
    assert generator.parse(printed).rate == 15


def test_the_generator_compiles_and_tells_that_nobody_listens(tmp_path: Path) -> None:
    tool = Generator(tmp_path)
    asked = tool.prepare("asked", [generator.get("/", "token")])
    with pytest.raises(generator.LoadFailed, match="connect"):
        tool.run(1, asked, 1, 0.1)


def test_a_figure_is_its_median() -> None:
    figures = Figures()
    figures.samples["x"] += [Sample(1.0, 5.0), Sample(9.0, 6.0), Sample(2.0, 7.0)]
    assert figures.median_of("x") == Sample(2.0, 6.0)


def test_every_ceiling_has_a_figure() -> None:
    assert not [name for name in report.CEILINGS if name.split()[0] not in ("postgres", "sqlite")]


async def test_the_world_in_sqlite_is_what_the_engine_counts(tmp_path: Path) -> None:
    path = tmp_path / "koine.db"
    await sqlite.fill(path, WORLD)
    database = await SqliteDatabase.open(path)
    await believed(database)
    await database.close()


async def test_commits_one_by_one_are_sends(tmp_path: Path) -> None:
    path = tmp_path / "koine.db"
    open_world = World(conversations=5, messages=3, drivers=2, customers=2, deep_messages=3)
    await sqlite.fill(path, open_world)
    assert sqlite.Commits(path, open_world).run(0.05) > 0


async def test_the_world_in_postgres_is_what_the_engine_counts(
    shared_postgres: SharedPostgres,
) -> None:
    url = shared_postgres.new_empty_database()
    await postgres.fill(url, WORLD)
    database = await PostgresDatabase.open(url)
    await believed(database)
    await database.close()


async def test_the_ceiling_is_one_send(shared_postgres: SharedPostgres) -> None:
    url = shared_postgres.new_empty_database()
    await postgres.fill(url, WORLD)
    connection = await asyncpg.connect(url)
    statement = postgres.script_text(WORLD, hot=False).partition("WITH")[2]
    driver = WORLD.driver_of(7)
    row = await connection.fetchrow(
        "WITH" + statement.replace(":n", "7").replace(":sender", str(driver))
    )
    await connection.close()
    assert (row["last_seq"], row["role"]) == (WORLD.messages + 1, "driver")


async def believed(database: Database) -> None:
    """The kept totals are those that counting finds, and lists are whole."""
    engine = await engines.open_engine(database, SystemClock(), settings(), {})
    admin = Actor(
        WORLD.tenant_id(), "user", uuid(PERSON, ADMIN), "tenant_admin",
        frozenset({"view:tenant"}),
    )  # fmt: skip
    driver = uuid(PERSON, WORLD.driver_of(1))
    for f, total in (
        (ConversationFilter(), 50),
        (ConversationFilter(statuses=("closed",)), 20),
        (ConversationFilter(kinds=("team",)), 5),
        (ConversationFilter(participant_id=driver), 17),
        (ConversationFilter(participant_id=driver, search="ORD-"), 17),
    ):
        shown = await conversations.find(engine, admin, f, page_window(1, 100))
        assert (shown.total, len(shown.items)) == (total, total)
