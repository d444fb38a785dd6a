"""One world for each database; a test makes the conversation it speaks in."""

import pytest

from koine.store.core.db import Database
from tests.drivers.base import Driver
from tests.drivers.everyone import drivers
from tests.drivers.world import World, make_world

WORLDS: dict[int, tuple[Database, World]] = {}


@pytest.fixture
async def world(db: Database) -> World:
    """The world of this database, made when first asked for."""
    if id(db) not in WORLDS:
        WORLDS[id(db)] = (db, await make_world(db))
    return WORLDS[id(db)][1]


@pytest.fixture
def speak(world: World) -> dict[str, Driver]:
    """A driver for each dialect."""
    return drivers(world)
