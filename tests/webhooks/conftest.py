"""Webhooks with a receiver, on either database."""

from collections.abc import AsyncIterator

import pytest

from koine.store.core.db import Database
from tests.webhooks.harness import WebhookHarness, webhook_harness


@pytest.fixture
async def harness(empty_db: Database) -> AsyncIterator[WebhookHarness]:
    """In a database of its own, since a dispatcher sends the deliveries of all tenants."""
    async with webhook_harness(empty_db) as opened:
        yield opened
