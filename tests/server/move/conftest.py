from pathlib import Path

import pytest

from tests.server.move.places import Original, Places, make_original
from tests.support.shared_postgres import SharedPostgres


@pytest.fixture(scope="session")
async def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    return await make_original(tmp_path_factory.mktemp("original"))


@pytest.fixture
def places(tmp_path: Path, shared_postgres: SharedPostgres, original: Original) -> Places:
    return Places(tmp_path, shared_postgres, original)
