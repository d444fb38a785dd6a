"""Every route, requested by every caller for every target."""

from collections.abc import Callable

import pytest

from koine.server import dialects
from koine.store.core.db import Database
from tests.authz_matrix.runner import Run
from tests.authz_matrix.table import TABLE

SPOKEN = {dialect.name: dialect for dialect in dialects()}
ROWS = [(name, route) for name, rows in TABLE.items() if name in SPOKEN for route in rows]


@pytest.fixture
def db(sqlite_db: Database) -> Database:
    """One database: permissions are decided above the store, which alone depends on the database
    (tests/test_house.py), and every statement names its tenant (tests/test_tenancy.py)."""
    return sqlite_db


@pytest.mark.parametrize("name", SPOKEN)
def test_every_route_is_in_the_matrix(name: str) -> None:
    declared = {f"{route.method} {route.path}" for route in SPOKEN[name].routes}
    requested = {route.partition("#")[0] for route in TABLE.get(name, {})}
    assert declared == requested


@pytest.mark.parametrize(("name", "route"), ROWS)
async def test_each_caller_gets_an_expected_status(
    run: Run, name: str, route: str, record_property: Callable[[str, object], None]
) -> None:
    await run.row(name, route, TABLE[name][route])
    record_property("counted: cells of the matrix", run.cells)
    assert run.wrong == []
