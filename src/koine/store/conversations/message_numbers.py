"""Finds a message of a conversation by its number, which the server counts over all messages.

Within a conversation the numbers grow with `seq`, which has no gaps after the messages that
retention deleted: a binary search over the primary key takes some twenty steps, and needs no index
that every send would have to write.
"""

from sqlalchemy import case, select

from koine.store.core.db import Tx
from koine.store.core.statements import Query, param
from koine.store.tables import conversations
from koine.store.tables import messages as t

_ALL = (
    select(conversations.c.deleted_seq.label("low"), conversations.c.last_seq.label("high"))
    .where(
        conversations.c.tenant_id == param("tenant_id"),
        conversations.c.id == param("conversation_id"),
    )
    .cte("span", recursive=True)
)
_IS_BELOW = t.c.number < param("number")
_LOW = case((_IS_BELOW, t.c.seq), else_=_ALL.c.low)
_HIGH = case((_IS_BELOW, _ALL.c.high), else_=t.c.seq - 1)
_SPAN = _ALL.union_all(
    select(_LOW, _HIGH).where(
        _ALL.c.low < _ALL.c.high,
        t.c.tenant_id == param("tenant_id"),
        t.c.conversation_id == param("conversation_id"),
        t.c.seq == (_ALL.c.low + _ALL.c.high + 1) // 2,
    )
)
_BELOW = Query(select(_SPAN.c.low).where(_SPAN.c.low == _SPAN.c.high), int)


async def below(tx: Tx, conversation_id: str, number: int) -> int:
    """The `seq` of the last message of the conversation with a smaller number; without
    one that of the last message that retention deleted, or 0. `number` must fit into 64 bits."""
    return await tx.one(_BELOW, conversation_id=conversation_id, number=number) or 0
