"""The happenings behind events, whatever is wrong with one of them."""

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
"""What rows that are not as they should be raise; never what a database in trouble does, for then
nothing is left out, and all is tried again."""
_log = structlog.get_logger("koine.realtime")


async def load_contexts(
    db: Database, tenant_id: str, events: list[LoggedEvent], curious: list[str]
) -> list[EventContext]:
    """As `happenings.gather`, in a read of its own. An event nothing can be made of is left out,
    and said in the log: it must not hold up all that come after it. Raises Unavailable."""
    try:
        return await db.read(tenant_id, load, events, curious)
    except _BAD_ROW_ERRORS:
        if len(events) == 1:
            _log.error(
                "an event could not be loaded and was skipped", event_id=events[0].id, exc_info=True
            )
            return []
        half = len(events) // 2
        first = await load_contexts(db, tenant_id, events[:half], curious)
        return first + await load_contexts(db, tenant_id, events[half:], curious)
