"""Legal holds: what must not be deleted."""

from msgspec import structs
from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, union_all

from koine.model.retention import LegalHold
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list, upsert
from koine.store.core.statements import Command, Query, param
from koine.store.tables import conversations, participants
from koine.store.tables import legal_holds as t
from koine.store.tables.base import columns_of

_IN_TENANT = t.c.tenant_id == param("tenant_id")
_COLUMNS = columns_of(t, LegalHold)
_ALL = Query(
    select(*_COLUMNS).where(_IN_TENANT).order_by(t.c.created_at, t.c.subject_id), LegalHold
)
_GET = Query(select(*_COLUMNS).where(_IN_TENANT, t.c.subject_id == param("subject_id")), LegalHold)
_SAVE = Command(
    upsert(
        t,
        {name: param(name) for name in ("tenant_id", *LegalHold.__struct_fields__)},
        ["tenant_id", "subject_id"],
        lambda new: {"reason": new.reason},
    )
)
_DELETE = Command(delete(t).where(_IN_TENANT, t.c.subject_id == param("subject_id")))
_ANY = Query(select(t.c.subject_id).where(_IN_TENANT).limit(1), str)
_c, _p = conversations.c, participants.c
_of_person = participants.alias("of_person")


def holds_conversation() -> ColumnElement[bool]:
    """Whether a row of `conversations` is held, by itself or by one of its people. Holds of tenants
    are not looked at."""
    mine = and_(t.c.tenant_id == _c.tenant_id, t.c.subject_id.in_([_c.id, _c.owner_id]))
    by_participant = (
        select(_p.identity_id)
        .join(t, and_(t.c.tenant_id == _p.tenant_id, t.c.subject_id == _p.identity_id))
        .where(_p.tenant_id == _c.tenant_id, _p.conversation_id == _c.id)
    )
    return or_(exists().where(mine).correlate(conversations), by_participant.exists())


_HELD = Query(
    select(_c.id).where(
        _c.tenant_id == param("tenant_id"), in_list(_c.id, "ids"), holds_conversation()
    ),
    str,
)
# Present and former participations have an index each.
_INVOLVED = union_all(
    *(
        select(_of_person.c.conversation_id).where(
            _of_person.c.tenant_id == param("tenant_id"),
            in_list(_of_person.c.identity_id, "people"),
            part,
        )
        for part in (_of_person.c.left_at.is_(None), _of_person.c.left_at.is_not(None))
    )
).subquery("involved")
_HELD_OF_PEOPLE = Query(
    select(_c.id)
    .where(
        _c.tenant_id == param("tenant_id"),
        _c.id.in_(select(_INVOLVED.c.conversation_id)),
        holds_conversation(),
    )
    .limit(1),
    str,
)


async def list_all(tx: Tx) -> list[LegalHold]:
    """The tenant's holds, oldest first."""
    return await tx.all(_ALL)


async def get(tx: Tx, subject_id: str) -> LegalHold | None:
    """The hold of this subject itself."""
    return await tx.one(_GET, subject_id=subject_id)


async def save(tx: Tx, hold: LegalHold) -> None:
    """Add a hold; one that the subject has gets the reason."""
    await tx.run(_SAVE, **structs.asdict(hold))


async def delete_one(tx: Tx, subject_id: str) -> bool:
    """Delete the hold of this subject; False if there was none."""
    return bool(await tx.run(_DELETE, subject_id=subject_id))


async def has_any(tx: Tx) -> bool:
    """Whether the tenant has a hold of any kind."""
    return await tx.one(_ANY) is not None


async def held_among(tx: Tx, conversation_ids: list[str]) -> set[str]:
    """Those of these conversations that are held: all of them where the tenant is."""
    if not await has_any(tx):
        return set()
    if await get(tx, tx.tenant_id) is not None:
        return set(conversation_ids)
    return set(await tx.all(_HELD, ids=conversation_ids))


async def holds_people(tx: Tx, ids: list[str]) -> bool:
    """Whether one of these people, a conversation that one of them takes or took part in, or the
    tenant is held."""
    if not await has_any(tx):
        return False
    for subject_id in (tx.tenant_id, *ids):
        if await get(tx, subject_id) is not None:
            return True
    return bool(await tx.all(_HELD_OF_PEOPLE, people=ids))
