"""Event contexts: events with what they are about, also when one of them is damaged."""

import msgspec
import structlog

from koine.engine.events.event_context import load
from koine.model.event import LoggedEvent
from koine.model.event_context import EventContext
from koine.store.core.db import Database

_BAD_ROW_ERRORS = (
    msgspec.MsgspecError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What loading raises for a damaged row. A database that cannot be reached or is too slow raises
Unavailable instead: then no event is skipped, and the caller tries again."""
_log = structlog.get_logger("koine.event_log")


async def load_contexts(
    db: Database, tenant_id: str, events: list[LoggedEvent], shared_only: list[str]
) -> list[EventContext]:
    """Load what one tenant's events are about, in a transaction of its own; see
    `engine.events.event_context.load`.

    If that fails, the halves of the list are loaded apart, and so on, until the damaged event is
    alone: it is logged and skipped, since it would otherwise stop all events behind it for ever.
    Raises Unavailable.
    """
    try:
        return await db.read(tenant_id, load, events, shared_only)
    except _BAD_ROW_ERRORS:
        if len(events) == 1:
            _log.error(
                "an event could not be loaded and was skipped", event_id=events[0].id, exc_info=True
            )
            return []
        half = len(events) // 2
        first = await load_contexts(db, tenant_id, events[:half], shared_only)
        return first + await load_contexts(db, tenant_id, events[half:], shared_only)
