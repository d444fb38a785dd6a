"""The `CastApp` of the authorization matrix, which knows who may call which route."""

import pytest

from koine.store.core.db import Database
from tests.authz_matrix.conftest import run

__all__ = ["run"]


@pytest.fixture
def db(postgres_db: Database) -> Database:
    """One database: PostgreSQL refuses texts and numbers that SQLite stores (U+0000, integers too
    large for their column), so what it answers without an error SQLite does, too."""
    return postgres_db
