"""What every test may ask for: both databases, a loop, a directory.

A test that asks for `db` runs once per database. The databases are shared by the tests of a
process, so a test makes a tenant of its own; one that must be alone asks for `fresh_db`.
"""

import itertools
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import uvloop
from argon2 import PasswordHasher
from hypothesis import settings

from koine.engine.login import passwords
from koine.store.core.db import Database
from tests.cast import Cast, make_cast
from tests.support import databases
from tests.support.shared_postgres import SharedPostgres, begin

BACKENDS = ("sqlite", "postgres")
# A machine that is busy with other tests is no reason to fail one.
settings.register_profile("koine", deadline=None)
settings.load_profile("koine")

COUNTED = "counted: "
SHARED = pytest.StashKey[SharedPostgres]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--db sqlite` or `--db postgres` for one database alone."""
    parser.addoption("--db", choices=[*BACKENDS, "both"], default="both", help="which database")


def pytest_configure(config: pytest.Config) -> None:
    """The run shares one directory; xdist's workers are told which."""
    told = getattr(config, "workerinput", None)
    if told is None:
        config.stash[SHARED] = begin()
    else:
        config.stash[SHARED] = SharedPostgres(Path(told["koine_shared"]), told["koine_owner"])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """What xdist's controller tells each worker."""
    shared = node.config.stash[SHARED]
    node.workerinput["koine_shared"] = str(shared.directory)
    node.workerinput["koine_owner"] = shared.owner


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How much the tests that count looked at: `record_property("counted: …", n)` adds n."""
    totals: Counter[str] = Counter()
    for report in itertools.chain.from_iterable(terminalreporter.stats.values()):
        done = getattr(report, "when", None) == "teardown"
        for name, value in report.user_properties if done else ():
            if name.startswith(COUNTED):
                totals[name.removeprefix(COUNTED)] += value
    for name, total in sorted(totals.items()):
        terminalreporter.write_line(f"{name}: {total:,}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """A worker cleans up what it made; whoever began the run ends the server."""
    if shared := config.stash.get(SHARED, None):
        shared.drop_mine()
        if not hasattr(config, "workerinput"):
            shared.remove()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that needs a `backend`, if only through `db`, runs on each."""
    if "backend" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--db")
        metafunc.parametrize("backend", BACKENDS if chosen == "both" else [chosen])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`--db sqlite` starts no PostgreSQL: what asks for one by itself is left out."""
    if config.getoption("--db") != "sqlite":
        return
    left_out = [item for item in items if "shared_postgres" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Long values are keys and tokens, new in each process: parallel runs need names that stay."""
    return argname if isinstance(val, str) and len(val) > 32 else None


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """A test that sets the log up, perhaps to a stream that is soon closed, does so for itself."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """A hash takes some 60 ms of a core, on purpose; most tests only need it to be one."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", hasher)
        patch.setattr(passwords, "DUMMY_HASH", hasher.hash("of nobody"))
        yield


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, object]]:
    """The loop that serves in production."""
    return "asyncio", {"loop_factory": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def shared_postgres(pytestconfig: pytest.Config) -> SharedPostgres:
    """The run's PostgreSQL, started when first asked for a database."""
    return pytestconfig.stash[SHARED]


@pytest.fixture(scope="session")
async def sqlite_db(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """This process's SQLite."""
    async with databases.sqlite(tmp_path_factory.mktemp("sqlite")) as opened:
        yield opened


@pytest.fixture(scope="session")
async def postgres_db(shared_postgres: SharedPostgres) -> AsyncIterator[Database]:
    """This process's database on the run's PostgreSQL."""
    async with databases.postgres(shared_postgres) as opened:
        yield opened


@pytest.fixture
def db(backend: str, request: pytest.FixtureRequest) -> Database:
    """A database with Koine's tables, shared with other tests: once per backend."""
    # Not a fixture with params: random order would open and close both again and again.
    opened: Database = request.getfixturevalue(f"{backend}_db")
    return opened


@pytest.fixture
def cast_settings() -> dict[str, object]:
    """The settings of the cast's server, beside those of every test: a module may say its own."""
    return {}


@pytest.fixture
async def cast(db: Database, cast_settings: dict[str, object]) -> Cast:
    """The small cast (tests/cast.py), new, in `db`."""
    return await make_cast(db, None, **cast_settings)


@pytest.fixture
async def fresh_db(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Database]:
    """A database with Koine's tables that no other test sees: once per backend."""
    if backend == "sqlite":
        opening = databases.sqlite(tmp_path)
    else:
        opening = databases.postgres(request.config.stash[SHARED])
    async with opening as opened:
        yield opened
