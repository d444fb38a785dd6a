"""Webhooks with a receiver, on either database."""

from collections.abc import AsyncIterator

import pytest

from koine.store.db import Database
from tests.relay.hooks.told import Told, telling


@pytest.fixture
async def told(fresh_db: Database) -> AsyncIterator[Told]:
    """Alone in its database: a sender serves every tenant there is."""
    async with telling(fresh_db) as opened:
        yield opened
