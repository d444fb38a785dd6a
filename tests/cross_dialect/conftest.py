"""One world for each database; each test creates its own conversation."""

import pytest

from koine.store.core.db import Database
from tests.drivers.base import Driver
from tests.drivers.registry import make_drivers
from tests.drivers.world import World, make_world

WORLDS: dict[int, tuple[Database, World]] = {}


@pytest.fixture
def db(sqlite_db: Database) -> Database:
    """One database: dialects cannot know which it is (tests/test_house.py). test_race.py has what
    depends on the database."""
    return sqlite_db


@pytest.fixture
async def world(db: Database) -> World:
    """The world of this database, which its first test creates."""
    if id(db) not in WORLDS:
        WORLDS[id(db)] = (db, await make_world(db))
    return WORLDS[id(db)][1]


@pytest.fixture
def drivers(world: World) -> dict[str, Driver]:
    """A driver for each dialect."""
    return make_drivers(world)
