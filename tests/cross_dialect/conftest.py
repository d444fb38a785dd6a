"""One `CastApp` for each database; each test creates its own conversation."""

import pytest

from koine.store.core.db import Database
from tests.drivers.base import Driver
from tests.drivers.cast_app import CastApp, make_cast_app
from tests.drivers.registry import make_drivers

APPS: dict[int, tuple[Database, CastApp]] = {}


@pytest.fixture
def db(sqlite_db: Database) -> Database:
    """One database: dialects cannot know which it is (tests/test_house.py). test_race.py has what
    depends on the database."""
    return sqlite_db


@pytest.fixture
async def cast_app(db: Database) -> CastApp:
    """The `CastApp` of this database, which its first test creates."""
    if id(db) not in APPS:
        APPS[id(db)] = (db, await make_cast_app(db))
    return APPS[id(db)][1]


@pytest.fixture
def drivers(cast_app: CastApp) -> dict[str, Driver]:
    """A driver for each dialect."""
    return make_drivers(cast_app)
