"""Webhooks with a receiver, on either database."""

from collections.abc import AsyncIterator

import pytest

from koine.store.core.db import Database
from tests.webhooks.harness import WebhookHarness, webhook_harness


@pytest.fixture
async def told(fresh_db: Database) -> AsyncIterator[WebhookHarness]:
    """Alone in its database: a sender serves every tenant there is."""
    async with webhook_harness(fresh_db) as opened:
        yield opened
