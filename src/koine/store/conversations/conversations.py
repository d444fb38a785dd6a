"""The rows of conversations, which hold what lists show of them. Changes update the counters."""

from msgspec import structs
from sqlalchemy import delete, insert, select, union_all, update

from koine.model.conversation import Conversation
from koine.store.conversations import counters, participants
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.statements import Command, Query, param
from koine.store.search_texts import CONVERSATION_COLUMNS, conversation_search_texts
from koine.store.tables import conversations as t
from koine.store.tables.base import columns_of

COLUMNS = columns_of(t, Conversation)
_IN_TENANT = t.c.tenant_id == param("tenant_id")

_BY_ID = Query(select(*COLUMNS).where(_IN_TENANT, t.c.id == param("id")), Conversation)
_LOCK = Query(
    select(*COLUMNS).where(_IN_TENANT, t.c.id == param("id")).with_for_update(key_share=True),
    Conversation,
)
_BY_IDS = Query(select(*COLUMNS).where(_IN_TENANT, in_list(t.c.id, "ids")), Conversation)
_BY_NUMBER = Query(select(*COLUMNS).where(_IN_TENANT, t.c.number == param("number")), Conversation)
_BY_DELIVERY = Query(
    select(*COLUMNS)
    .where(_IN_TENANT, t.c.delivery_id == param("delivery_id"), t.c.removed_at.is_(None))
    .with_for_update(key_share=True),
    Conversation,
)
_OF_OWNER = Query(
    select(*COLUMNS)
    .where(_IN_TENANT, t.c.owner_id == param("owner_id"), t.c.removed_at.is_(None))
    .order_by(t.c.number),
    Conversation,
)
_NEWEST_OF_OWNER = Query(
    select(*COLUMNS)
    .where(_IN_TENANT, t.c.owner_id == param("owner_id"), t.c.removed_at.is_(None))
    .order_by(t.c.number.desc())
    .limit(param("most")),
    Conversation,
)
# Two selects, since removed conversations have another index.
_IDS_OF_OWNER = Query(
    union_all(
        *(
            select(t.c.id).where(_IN_TENANT, t.c.owner_id == param("owner_id"), part)
            for part in (t.c.removed_at.is_(None), t.c.removed_at.is_not(None))
        )
    ),
    str,
)
_TENANT_OF = Query(
    select(t.c.tenant_id).where(t.c.id == param("id")),
    str,
    crosses_tenants="the URL of a survey has the unguessable id alone",
)
_SEEN = {
    who: Command(update(t).where(_IN_TENANT, t.c.id == param("id")).values({who: param("now")}))
    for who in ("contact_seen_at", "agent_seen_at")
}
_INSERT = Command(
    insert(t).values(
        {"tenant_id": param("tenant_id")}
        | {name: param(name) for name in (*Conversation.__struct_fields__, *CONVERSATION_COLUMNS)}
    )
)
_FIXED = frozenset({"id", "number", "created_at", "created_by", "last_seq"})
_CHANGEABLE = [
    n for n in (*Conversation.__struct_fields__, *CONVERSATION_COLUMNS) if n not in _FIXED
]
_UPDATE = Command(
    update(t)
    .where(_IN_TENANT, t.c.id == param("id"))
    .values({name: param(f"new_{name}") for name in _CHANGEABLE})
)
_DELETE = Command(delete(t).where(_IN_TENANT, t.c.id == param("id")))


async def get(tx: Tx, conversation_id: str) -> Conversation | None:
    """The conversation with this id, removed ones too."""
    return await tx.one(_BY_ID, id=conversation_id)


async def get_by_ids(tx: Tx, ids: list[str]) -> dict[str, Conversation]:
    """Those of these conversations that exist, removed ones too, by id."""
    return {c.id: c for c in await tx.all(_BY_IDS, ids=ids)}


async def lock(tx: Tx, conversation_id: str) -> Conversation | None:
    """As `get`; locks the row, also against sends, until the transaction ends."""
    return await tx.one(_LOCK, id=conversation_id)


async def get_by_number(tx: Tx, number: int) -> Conversation | None:
    """The conversation with this number in the tenant."""
    return await tx.one(_BY_NUMBER, number=number)


async def lock_of_delivery(tx: Tx, delivery_id: str) -> Conversation | None:
    """The one conversation of a delivery that is not removed, locked."""
    return await tx.one(_BY_DELIVERY, delivery_id=delivery_id)


async def of_owner(tx: Tx, owner_id: str) -> list[Conversation]:
    """A contact's conversations, in any inbox or none, oldest first; removed ones left out."""
    return await tx.all(_OF_OWNER, owner_id=owner_id)


async def newest_of_owner(tx: Tx, owner_id: str, most: int) -> list[Conversation]:
    """As `of_owner`, but the newest `most` alone."""
    return (await tx.all(_NEWEST_OF_OWNER, owner_id=owner_id, most=most))[::-1]


async def ids_of_owner(tx: Tx, owner_id: str) -> list[str]:
    """The ids of all conversations an identity owns, removed or not; for merging contacts."""
    return await tx.all(_IDS_OF_OWNER, owner_id=owner_id)


async def tenant_of(tx: Tx, conversation_id: str) -> str | None:
    """The id of the conversation's tenant."""
    return await tx.one(_TENANT_OF, id=conversation_id)


async def seen_by_contact(tx: Tx, conversation_id: str, now: int) -> None:
    """Save when its contact last read it (µs)."""
    await tx.run(_SEEN["contact_seen_at"], id=conversation_id, now=now)


async def seen_by_agent(tx: Tx, conversation_id: str, now: int) -> None:
    """Save when a user of the tenant last read it (µs)."""
    await tx.run(_SEEN["agent_seen_at"], id=conversation_id, now=now)


async def insert_one(tx: Tx, conversation: Conversation) -> None:
    """Add a conversation and count it.

    Raises Duplicate when its delivery has one already (delivery.md, S).
    """
    await tx.run(_INSERT, **structs.asdict(conversation), **conversation_search_texts(conversation))
    await counters.apply_change(tx, [], counters.tenant_counters(conversation))


async def change(tx: Tx, before: Conversation, after: Conversation) -> None:
    """Write `after` over `before`, which the caller has locked, and update the counters. When it is
    removed, its participants leave."""
    values = structs.asdict(after) | conversation_search_texts(after)
    await tx.run(_UPDATE, id=after.id, **{f"new_{name}": values[name] for name in _CHANGEABLE})
    await counters.apply_change(
        tx, counters.tenant_counters(before), counters.tenant_counters(after)
    )
    if before.status != after.status or before.removed_at != after.removed_at:
        members = await participants.active_ids(tx, after.id)
        await counters.apply_change(
            tx,
            counters.participant_counters(before, members),
            counters.participant_counters(after, members),
        )
    if before.removed_at is None and after.removed_at is not None:
        await participants.leave_all(tx, after.id, after.removed_at)


async def delete_one(tx: Tx, conversation: Conversation) -> None:
    """Delete the row and its participants, and update the counters."""
    members = await participants.delete_of(tx, conversation.id)
    await tx.run(_DELETE, id=conversation.id)
    # Counters in the order in which they are locked everywhere: the tenant's, then participants'.
    await counters.apply_change(tx, counters.tenant_counters(conversation), [])
    await counters.apply_change(tx, counters.participant_counters(conversation, members), [])
