"""The uploads of each test are in a folder of its own."""

from pathlib import Path

import pytest


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path)}
