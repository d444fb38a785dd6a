from pathlib import Path

import pytest

from tests.server.move.places import Places
from tests.support.shared_postgres import SharedPostgres


@pytest.fixture
def places(tmp_path: Path, shared_postgres: SharedPostgres) -> Places:
    return Places(tmp_path, shared_postgres)
