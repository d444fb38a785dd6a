"""One world for each database, with all callers."""

import pytest

from koine.store.core.db import Database
from tests.authz_matrix.callers import Caller, callers
from tests.authz_matrix.inbox_callers import inbox_callers
from tests.authz_matrix.runner import Run
from tests.authz_matrix.targets import Targets
from tests.drivers.world import World, make_world

WORLDS: dict[int, tuple[Database, World, dict[str, list[Caller]]]] = {}


@pytest.fixture
async def run(db: Database) -> Run:
    """Runs the cells of one row; the first test of a database creates its world."""
    if id(db) not in WORLDS:
        world = await make_world(db, login_rate_limit_per_minute=0)
        people = {"everywhere": await callers(world.cast), "inbox": await inbox_callers(world.cast)}
        WORLDS[id(db)] = (db, world, people)
    _, world, people = WORLDS[id(db)]
    return Run(world, people, Targets(world.cast))
