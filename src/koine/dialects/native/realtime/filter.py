"""The filter of a stream: kinds of events, and conversations."""

from typing import get_args

from msgspec import Struct

from koine.dialects.native import fields
from koine.engine.conversations import conversations
from koine.engine.core.engine import Engine
from koine.model.actor import Actor
from koine.model.errors import Invalid
from koine.model.event import EventKind

KINDS: frozenset[str] = frozenset(get_args(EventKind)) | {
    "conversation.removed", "inbox.removed", "delivery.removed", "typing", "presence",
}  # fmt: skip
ENTITIES: frozenset[str] = frozenset(kind.partition(".")[0] for kind in KINDS)


class EventFilter(Struct, frozen=True):
    """What a client asked for; empty: everything. A kind is an event's type, or what stands
    before its dot."""

    kinds: frozenset[str] = frozenset()
    conversation_ids: frozenset[str] = frozenset()

    def matches(self, kind: str, conversation_id: str | None) -> bool:
        """Whether the filter takes in an event of this type and conversation (None: of none)."""
        if self.conversation_ids and conversation_id not in self.conversation_ids:
            return False
        return not self.kinds or kind in self.kinds or kind.partition(".")[0] in self.kinds


async def resolve_filter(
    engine: Engine, actor: Actor, kinds: list[str] | None, conversation_ids: list[str] | None
) -> EventFilter:
    """The filter that a request names. Raises Invalid("kinds" | "conversation_id"), and NotFound
    for a conversation that the actor may not see."""
    unknown = [each for each in kinds or () if each not in KINDS | ENTITIES]
    if unknown:
        raise Invalid("kinds", "unknown", f"there is no kind {unknown[0]}")
    ids = frozenset(fields.parse_ids("conversation_id", conversation_ids))
    for conversation_id in sorted(ids):
        await conversations.get(engine, actor, conversation_id)
    return EventFilter(frozenset(kinds or ()), ids)
