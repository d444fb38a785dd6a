"""What one reader may receive events of: its conversations, the people in them, its deliveries."""

from sqlalchemy import and_, select, union_all

from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.statements import Query, param
from koine.store.tables import conversations as c
from koine.store.tables import deliveries as d
from koine.store.tables import messages as m
from koine.store.tables import participants as t

_PART = (t.c.tenant_id == param("tenant_id"), t.c.identity_id == param("identity_id"))
_OWNED = (c.c.tenant_id == param("tenant_id"), c.c.owner_id == param("identity_id"))
_WITH_CONVERSATION = and_(c.c.tenant_id == t.c.tenant_id, c.c.id == t.c.conversation_id)
_TAKES_PART = Query(
    select(t.c.conversation_id).where(*_PART, t.c.left_at.is_(None)).limit(param("limit")), str
)
_LEFT_BY_REMOVAL = Query(
    select(t.c.conversation_id)
    .join(c, _WITH_CONVERSATION)
    .where(*_PART, t.c.left_at.is_not(None), c.c.removed_at == t.c.left_at)
    .limit(param("limit")),
    str,
)
_OWNS = Query(select(c.c.id).where(*_OWNED, c.c.removed_at.is_(None)).limit(param("limit")), str)
_OWNED_REMOVED = Query(
    select(c.c.id).where(*_OWNED, c.c.removed_at.is_not(None)).limit(param("limit")), str
)
_PEOPLE = Query(
    union_all(
        select(t.c.identity_id).where(
            t.c.tenant_id == param("tenant_id"), in_list(t.c.conversation_id, "ids")
        ),
        *(
            select(column).where(
                c.c.tenant_id == param("tenant_id"), in_list(c.c.id, "ids"), column.is_not(None)
            )
            for column in (c.c.owner_id, c.c.responder_id)
        ),
    ),
    str,
)
_SENDERS = Query(
    select(m.c.sender_id)
    .join(c, and_(c.c.tenant_id == m.c.tenant_id, c.c.id == m.c.conversation_id))
    .where(
        m.c.tenant_id == param("tenant_id"),
        in_list(m.c.conversation_id, "ids"),
        m.c.sender_id.is_not(None),
        c.c.last_activity_at >= param("since"),
    )
    .distinct(),
    str,
)
_DELIVERIES = Query(
    union_all(
        *(
            select(d.c.id).where(
                d.c.tenant_id == param("tenant_id"), column == param("identity_id")
            )
            for column in (d.c.customer_id, d.c.driver_id)
        )
    ),
    str,
)


async def conversations(tx: Tx, identity_id: str, owner: bool, limit: int) -> list[str]:
    """The ids of at most `limit` + 1 conversations that the person takes part in, or did until they
    were removed; with `owner` also of those it owns, removed or not."""
    queries = [_TAKES_PART, _LEFT_BY_REMOVAL, *([_OWNS, _OWNED_REMOVED] if owner else [])]
    found: dict[str, None] = {}
    for query in queries:
        found.update(dict.fromkeys(await tx.all(query, identity_id=identity_id, limit=limit + 1)))
    return list(found)[: limit + 1]


async def people(tx: Tx, conversation_ids: list[str]) -> list[str]:
    """The ids of the owners, responders and (former) participants of these conversations, some
    twice."""
    return await tx.all(_PEOPLE, ids=conversation_ids)


async def senders(tx: Tx, conversation_ids: list[str], since: int) -> list[str]:
    """The ids of those who sent a message in one of these conversations that was active since
    `since` (µs). Reads every message of them: for `read_long`."""
    return await tx.all(_SENDERS, ids=conversation_ids, since=since)


async def deliveries(tx: Tx, identity_id: str) -> list[str]:
    """The ids of the deliveries whose customer or driver the person is."""
    return await tx.all(_DELIVERIES, identity_id=identity_id)
