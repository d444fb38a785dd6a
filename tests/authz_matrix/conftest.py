"""One `CastApp` for each database, with all callers."""

import pytest

from koine.store.core.db import Database
from tests.authz_matrix.callers import Caller, callers
from tests.authz_matrix.inbox_callers import inbox_callers
from tests.authz_matrix.runner import Run
from tests.authz_matrix.targets import Targets
from tests.drivers.cast_app import CastApp, make_cast_app

APPS: dict[int, tuple[Database, CastApp, dict[str, list[Caller]]]] = {}


@pytest.fixture
async def run(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs the cells of one row; the first test of a database creates its cast_app."""
    if id(db) not in APPS:
        cast_app = await make_cast_app(
            db, login_rate_limit_per_minute=0, data_dir=str(tmp_path_factory.mktemp("data"))
        )
        people = {
            "everywhere": await callers(cast_app.cast),
            "inbox": await inbox_callers(cast_app.cast),
        }
        APPS[id(db)] = (db, cast_app, people)
    _, cast_app, people = APPS[id(db)]
    return Run(cast_app, people, Targets(cast_app.cast))
