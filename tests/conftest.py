"""Fixtures of all tests: the databases and the cast; and the options of a run.

A test with the fixture `db` runs once on each database. The tests of a process share the databases,
so each creates its own tenants; a test that must have a database alone uses `empty_db`, or
`fresh_db` if it changes the tables or closes the database.
"""

import functools
import itertools
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
import uvloop
from argon2 import PasswordHasher
from hypothesis import settings

from koine.engine.core.server_keys import open_keys
from koine.engine.verification import passwords
from koine.kit.settings import load
from koine.store.core.db import Database
from tests.cast import Cast, make_cast
from tests.support import databases
from tests.support.databases import ReusableDatabase
from tests.support.programs import LEFT_OUT
from tests.support.shared_postgres import SharedPostgres, new_run

BACKENDS = ("sqlite", "postgres")
# No deadline: on a busy machine a slow example is not a failure.
settings.register_profile("koine", deadline=None)
settings.load_profile("koine")

COUNTED = "counted: "
SHARED = pytest.StashKey[SharedPostgres]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--db sqlite` or `--db postgres` for one database alone."""
    parser.addoption("--db", choices=[*BACKENDS, "both"], default="both", help="which database")


def pytest_configure(config: pytest.Config) -> None:
    """All processes of a run share one directory, whose path xdist's workers get as input."""
    worker_input = getattr(config, "workerinput", None)
    if worker_input is None:
        config.stash[SHARED] = new_run()
    else:
        config.stash[SHARED] = SharedPostgres(
            Path(worker_input["koine_shared"]), worker_input["koine_owner"]
        )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """The input that xdist's controller sends to each worker."""
    shared = node.config.stash[SHARED]
    node.workerinput["koine_shared"] = str(shared.directory)
    node.workerinput["koine_owner"] = shared.owner


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the sums of what tests recorded with `record_property("counted: …", n)`, and what was
    left out because a program is not installed."""
    totals: Counter[str] = Counter()
    for report in itertools.chain.from_iterable(terminalreporter.stats.values()):
        done = getattr(report, "when", None) == "teardown"
        for name, value in report.user_properties if done else ():
            if name.startswith(COUNTED):
                totals[name.removeprefix(COUNTED)] += value
    for name, total in sorted(totals.items()):
        terminalreporter.write_line(f"{name}: {total:,}")
    left_out: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", ()):
        _, _, reason = str(report.longrepr).partition(LEFT_OUT)
        left_out.update([reason.rstrip("')")] if reason else [])
    for reason, number in sorted(left_out.items()):
        terminalreporter.write_line(f"{LEFT_OUT}{number} tests, as {reason}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Each process drops its databases; the one that started the run stops the server."""
    if shared := config.stash.get(SHARED, None):
        shared.drop_created()
        if not hasattr(config, "workerinput"):
            shared.remove()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that uses `backend`, also through `db`, on both databases."""
    if "backend" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--db")
        metafunc.parametrize("backend", BACKENDS if chosen == "both" else [chosen])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`--db sqlite` starts no PostgreSQL: the tests that need one are deselected."""
    if config.getoption("--db") != "sqlite":
        return
    deselected = [item for item in items if "shared_postgres" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=deselected)
    items[:] = [item for item in items if item not in set(deselected)]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name long values by their argument: keys and tokens differ between the processes of a run,
    and xdist needs the same names in all of them."""
    return argname if isinstance(val, str) and len(val) > 32 else None


def reset_structlog() -> None:
    """The defaults of structlog, but plain tracebacks: if rich is installed, as here for
    schemathesis, each logged exception takes it half a second of a core."""
    structlog.reset_defaults()
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """Undo what a test configured for logging, such as a stream that is closed after it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    reset_structlog()
    root.handlers[:], root.level = handlers, level


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """A hash takes some 60 ms of a core, on purpose; most tests only need it to be one."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", hasher)
        patch.setattr(passwords, "DUMMY_HASH", hasher.hash("of nobody"))
        yield


@pytest.fixture(scope="session", autouse=True)
def one_tls_context() -> Iterator[None]:
    """Each client of httpx reads all root certificates, which takes 20 ms of a core; those of the
    tests connect without TLS."""
    with pytest.MonkeyPatch.context() as patch:
        shared = functools.cache(httpx.create_ssl_context)
        patch.setattr("httpx._transports.default.create_ssl_context", shared)
        yield


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, object]]:
    """The event loop of production."""
    return "asyncio", {"loop_factory": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def shared_postgres(pytestconfig: pytest.Config) -> SharedPostgres:
    """The run's PostgreSQL server, which starts when the first database is created."""
    return pytestconfig.stash[SHARED]


@pytest.fixture(scope="session")
def run_folder(pytestconfig: pytest.Config) -> Path:
    """A folder that the processes of a run share, removed at its end."""
    return pytestconfig.stash[SHARED].directory


@pytest.fixture(scope="session")
async def sqlite_db(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """The SQLite database of this process. It has a key, without which a test whose settings have
    one would keep others from generating it."""
    async with databases.sqlite(tmp_path_factory.mktemp("sqlite")) as opened:
        await open_keys(opened, load({}))
        yield opened


@pytest.fixture(scope="session")
async def postgres_db(shared_postgres: SharedPostgres) -> AsyncIterator[Database]:
    """The PostgreSQL database of this process."""
    async with databases.postgres(shared_postgres) as opened:
        await open_keys(opened, load({}))
        yield opened


@pytest.fixture
def db(backend: str, request: pytest.FixtureRequest) -> Database:
    """A database with Koine's tables, shared with other tests of the process."""
    # Not a fixture with params: in random order, pytest would open and close both many times.
    opened: Database = request.getfixturevalue(f"{backend}_db")
    return opened


@pytest.fixture
def cast_settings() -> dict[str, object]:
    """Further settings of the cast's server; test modules override this fixture."""
    return {}


@pytest.fixture
async def cast(db: Database, cast_settings: dict[str, object]) -> Cast:
    """A new cast (tests/cast.py) in `db`."""
    return await make_cast(db, None, **cast_settings)


@pytest.fixture(scope="session")
async def reusable_sqlite(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[ReusableDatabase]:
    """The SQLite database of this process that is emptied for each test."""
    async with databases.sqlite(tmp_path_factory.mktemp("sqlite")) as opened:
        yield await ReusableDatabase.of(opened)


@pytest.fixture(scope="session")
async def reusable_postgres(shared_postgres: SharedPostgres) -> AsyncIterator[ReusableDatabase]:
    """The PostgreSQL database of this process that is emptied for each test."""
    async with databases.postgres(shared_postgres) as opened:
        yield await ReusableDatabase.of(opened)


@pytest.fixture
def reusable_db(backend: str, request: pytest.FixtureRequest) -> ReusableDatabase:
    """What `empty_db` empties; a fixture of its own, since an async one may not ask for another."""
    reusable: ReusableDatabase = request.getfixturevalue(f"reusable_{backend}")
    return reusable


@pytest.fixture
async def empty_db(reusable_db: ReusableDatabase) -> Database:
    """A database without rows that this test uses alone: its log has no events of other tests."""
    return await reusable_db.emptied()


@pytest.fixture
async def fresh_db(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Database]:
    """A new database with Koine's tables for one test."""
    if backend == "sqlite":
        opening = databases.sqlite(tmp_path)
    else:
        opening = databases.postgres(request.config.stash[SHARED])
    async with opening as opened:
        yield opened
