"""Stores the folded texts of searches anew if they were made by another version of the folding.

A migration consists of SQL, which cannot fold. This runs after it, in batches, and can be repeated.
"""

from sqlalchemy import select

from koine.kit.ids import NIL_ID
from koine.model.identity import Identity
from koine.store import server_values, tenants
from koine.store.core.db import Database, Tx
from koine.store.core.statements import Query, UpdateMany, param
from koine.store.core.text_folding import VERSION, folded_or_none
from koine.store.people import identities
from koine.store.search_texts import CONVERSATION_COLUMNS, IDENTITY_COLUMNS, identity_search_texts
from koine.store.tables import conversations as c
from koine.store.tables import identities as i

BATCH = 500
"""Rows of a transaction."""
_STORED = "text_folding"

_PEOPLE = Query(
    select(*identities.COLUMNS)
    .where(i.c.tenant_id == param("tenant_id"), i.c.id > param("after"))
    .order_by(i.c.id)
    .limit(BATCH)
    .with_for_update(key_share=True),
    Identity,
)
_CONVERSATIONS = Query(
    select(c.c.id, c.c.title, c.c.last_content, *(c.c[name] for name in CONVERSATION_COLUMNS))
    .where(c.c.tenant_id == param("tenant_id"), c.c.id > param("after"))
    .order_by(c.c.id)
    .limit(BATCH)
    .with_for_update(key_share=True)
)
_SET_PEOPLE = UpdateMany(i, ["tenant_id", "id"], IDENTITY_COLUMNS)
_SET_CONVERSATIONS = UpdateMany(c, ["tenant_id", "id"], CONVERSATION_COLUMNS)


async def backfill_search_texts(db: Database) -> None:
    """Fold the texts of every tenant, unless this version of the folding did. Raises
    Unavailable."""
    if await db.read("", server_values.get, _STORED) == VERSION:
        return
    for tenant_id in await db.read("", tenants.list_ids):
        for batch in (_people, _conversations):
            after: str | None = NIL_ID
            while after is not None:
                after = await db.write(tenant_id, batch, after)
    await db.write("", server_values.put, _STORED, VERSION)


async def _people(tx: Tx, after: str) -> str | None:
    found = await tx.all(_PEOPLE, after=after)
    rows = [(tx.tenant_id, each.id, *identity_search_texts(each).values()) for each in found]
    await tx.many(_SET_PEOPLE, rows)
    return found[-1].id if len(found) == BATCH else None


async def _conversations(tx: Tx, after: str) -> str | None:
    found = await tx.all(_CONVERSATIONS, after=after)
    rows: list[tuple[str | None, ...]] = []
    for id_, title, content, *stored in found:
        folded = [folded_or_none(title), folded_or_none(content)]
        if folded != stored:
            rows.append((tx.tenant_id, id_, *folded))
    await tx.many(_SET_CONVERSATIONS, rows)
    return found[-1][0] if len(found) == BATCH else None
