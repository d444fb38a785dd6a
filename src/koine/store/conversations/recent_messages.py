"""The newest messages of several conversations, as many as fit into one answer."""

from sqlalchemy import and_, func, select

from koine.model.message import Message
from koine.store.conversations.messages import ROW, SENDER_ROW
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.statements import Query, param
from koine.store.tables import identities
from koine.store.tables import messages as t

CHARS_PER_ROW = 256
"""Letters that a message counts beside its text."""

_PUBLIC = (
    t.c.tenant_id == param("tenant_id"),
    in_list(t.c.conversation_id, "conversation_ids"),
    t.c.private.is_(False),
)
_LENGTH = (
    CHARS_PER_ROW + func.coalesce(func.length(t.c.content), 0) + func.length(t.c.content_attributes)
)
# Ids of conversations grow with time, so the newest conversation comes first.
_NEWEST_FIRST = (t.c.conversation_id.desc(), t.c.seq.desc())
_SUM = func.sum(_LENGTH).over(order_by=_NEWEST_FIRST, rows=(None, 0))
_LENGTHS = (
    select(t.c.conversation_id, t.c.seq, (_SUM - _LENGTH).label("newer"))
    .where(*_PUBLIC)
    .subquery("lengths")
)
_NEWEST = Query(
    select(*ROW.columns)
    .outerjoin(identities, SENDER_ROW)
    .join(
        _LENGTHS,
        and_(_LENGTHS.c.conversation_id == t.c.conversation_id, _LENGTHS.c.seq == t.c.seq),
    )
    .where(*_PUBLIC, _LENGTHS.c.newer < param("most"))
    .order_by(t.c.conversation_id, t.c.seq),
    ROW.into,
)


async def recent_public_of(
    tx: Tx, conversation_ids: list[str], max_chars: int
) -> dict[str, list[Message]]:
    """The public messages of these conversations, oldest first, by conversation: of the newest
    conversations first and in each the newest first, until they have `most` letters (the message
    that passes it is among them)."""
    found: dict[str, list[Message]] = {each: [] for each in conversation_ids}
    for message in await tx.all(_NEWEST, conversation_ids=conversation_ids, most=max_chars):
        found[message.conversation_id].append(message)
    return found
