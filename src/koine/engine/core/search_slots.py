"""Slots for reads of many rows: few run at the same time, tenants take turns, the queue is bounded.

Without them the searches of one tenant would occupy every connection of the database.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from koine.kit import metrics
from koine.kit.fair_semaphore import Bounds, FairSemaphore, QueueFull
from koine.kit.settings import Settings
from koine.model.actor import Actor
from koine.model.errors import Unavailable

WAIT_SECONDS = 10.0
"""How long a search waits for a slot, in seconds: as long as a search may run."""
RETRY_AFTER = 5


def search_slots(settings: Settings) -> FairSemaphore:
    """The slots of one process. One tenant never holds all of them, unless there is only one."""
    most = max(1, settings.searches_at_once - 1)
    return FairSemaphore(
        Bounds(
            max_concurrent=settings.searches_at_once,
            max_per_group=most,
            max_per_caller=most,
            max_waiting=settings.searches_waiting,
            max_waiting_per_group=settings.searches_waiting_per_tenant,
            wait_seconds=WAIT_SECONDS,
        )
    )


@asynccontextmanager
async def search_slot(semaphore: FairSemaphore, actor: Actor) -> AsyncIterator[None]:
    """Wait for a slot and hold it during the block. Raises Unavailable."""
    try:
        async with semaphore.slot(actor.tenant_id, actor.caller):
            yield
    except QueueFull:
        metrics.REQUESTS_REFUSED.labels("searches").inc()
        raise Unavailable(RETRY_AFTER) from None
