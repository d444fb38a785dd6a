"""What an event says of a change of a conversation: which fields moved, from what to what."""

from typing import Any

from koine.engine.core.recorder import record_event
from koine.model.conversation import Conversation
from koine.store.core.db import Tx

FREE_TEXT_FIELDS = frozenset({"title", "metadata", "custom_attributes", "labels"})
"""What people wrote: events only say that it changed, a deletion leaves none (helpdesk.md, S)."""
_UNREPORTED_FIELDS = frozenset({"updated_at", "participant_count"})


async def record_change(tx: Tx, now: int, before: Conversation, after: Conversation) -> None:
    """Write what moved, with the status and the assignee as they are right after it, for what
    comes later must not be told in its place. A change of status is an event of its own."""
    names = Conversation.__struct_fields__
    moved = [
        n for n in names if n not in _UNREPORTED_FIELDS and getattr(before, n) != getattr(after, n)
    ]
    for fields in (
        [name for name in moved if name == "status"],
        [name for name in moved if name != "status"],
    ):
        if fields:
            await record_event(
                tx, now, "conversation.updated", after.id, conversation_id=after.id,
                changed=_values(after, fields),
                previous=_values(before, fields),
                then={"status": after.status, "assignee_id": after.assignee_id},
            )  # fmt: skip


def _values(of: Conversation, fields: list[str]) -> dict[str, Any]:
    return {
        name: None if name in FREE_TEXT_FIELDS else getattr(of, name) for name in sorted(fields)
    }
