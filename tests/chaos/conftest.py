"""Fixtures of the tests of the rigs."""

from pathlib import Path

import pytest

from chaos.rig import RigSettings
from tests.support.shared_postgres import SharedPostgres


@pytest.fixture
def settings(tmp_path: Path, shared_postgres: SharedPostgres) -> RigSettings:
    """The settings of `python -m chaos NAME --short`, with databases of the shared PostgreSQL."""
    return RigSettings(folder=tmp_path, short=True, new_database=shared_postgres.new_empty_database)
