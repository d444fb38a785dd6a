"""Turns for reads that look at many rows: few at once, tenant after tenant, and not without end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from koine.kit.settings import Settings
from koine.kit.turns import Bounds, Full, Turns
from koine.model.actor import Actor
from koine.model.errors import Unavailable

PATIENCE = 10.0
"""Seconds a search waits for its turn: as long as one may take."""
RETRY_AFTER = 5


def searches(settings: Settings) -> Turns:
    """The turns of one process. One tenant never has them all, if there are several."""
    most = max(1, settings.searches_at_once - 1)
    return Turns(
        Bounds(
            at_once=settings.searches_at_once,
            of_group=most,
            of_caller=most,
            waiting=settings.searches_waiting,
            waiting_of_group=settings.searches_waiting_per_tenant,
            patience=PATIENCE,
        )
    )


@asynccontextmanager
async def searching(turns: Turns, actor: Actor) -> AsyncIterator[None]:
    """Hold a turn of the actor's for the length of a block. Raises Unavailable."""
    try:
        async with turns.turn(actor.tenant_id, actor.caller):
            yield
    except Full:
        raise Unavailable(RETRY_AFTER) from None
