"""Deliveries (transport orders), as far as conversations need them."""

from msgspec import Struct, structs
from sqlalchemy import ColumnElement, select, tuple_, update

from koine.model.delivery import Delivery
from koine.model.page import Page, Window
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.statements import Command, InsertMany, Query, StatementVariants, param
from koine.store.tables import conversations
from koine.store.tables import deliveries as t
from koine.store.tables.base import columns_of

_COLUMNS = columns_of(t, Delivery)
_FIELDS = list(Delivery.__struct_fields__)
_IN_TENANT = t.c.tenant_id == param("tenant_id")

_BY_ID = Query(select(*_COLUMNS).where(_IN_TENANT, t.c.id == param("id")), Delivery)
_LOCK = Query(
    select(*_COLUMNS)
    .where(_IN_TENANT, in_list(t.c.id, "ids"))
    .order_by(t.c.id)
    .with_for_update(key_share=True),
    Delivery,
)
_WITHOUT_CONVERSATION = Query(
    select(*_COLUMNS)
    .where(
        _IN_TENANT,
        in_list(t.c.id, "ids"),
        ~select(conversations.c.id)
        .where(
            conversations.c.tenant_id == param("tenant_id"),
            conversations.c.delivery_id == t.c.id,
            conversations.c.removed_at.is_(None),
        )
        .exists(),
    )
    .order_by(t.c.created_at, t.c.id),
    Delivery,
)
_BY_REFERENCES = Query(
    select(*_COLUMNS).where(_IN_TENANT, in_list(t.c.external_reference_id, "references")), Delivery
)
_INSERT = InsertMany(t, ["tenant_id", *_FIELDS])
_CHANGEABLE = [n for n in _FIELDS if n not in ("id", "created_at")]
_UPDATE = Command(
    update(t)
    .where(_IN_TENANT, t.c.id == param("id"))
    .values({name: param(f"new_{name}") for name in _CHANGEABLE})
)


async def get(tx: Tx, delivery_id: str) -> Delivery | None:
    """The delivery with this id."""
    return await tx.one(_BY_ID, id=delivery_id)


async def lock_all(tx: Tx, ids: list[str]) -> dict[str, Delivery]:
    """The deliveries with these ids, by id; locks them until the transaction ends, also against
    opening their conversations."""
    return {d.id: d for d in await tx.all(_LOCK, ids=ids)} if ids else {}


async def without_conversation(tx: Tx, ids: list[str]) -> list[Delivery]:
    """Those of these deliveries that have no conversation, oldest first."""
    return await tx.all(_WITHOUT_CONVERSATION, ids=ids) if ids else []


async def get_by_references(tx: Tx, references: list[str]) -> dict[str, Delivery]:
    """The deliveries with these external references, by reference."""
    found = await tx.all(_BY_REFERENCES, references=references) if references else []
    return {str(d.external_reference_id): d for d in found}


async def insert_many(tx: Tx, deliveries: list[Delivery]) -> None:
    """Add deliveries. Raises Duplicate if an external reference is in use."""
    await tx.many(_INSERT, [(tx.tenant_id, *structs.astuple(d)) for d in deliveries])


async def change(tx: Tx, delivery: Delivery) -> None:
    """Write the delivery over the row with its id."""
    values = structs.asdict(delivery)
    await tx.run(_UPDATE, id=delivery.id, **{f"new_{n}": values[n] for n in _CHANGEABLE})


async def find_page(tx: Tx, window: Window) -> Page[Delivery]:
    """One page of all deliveries, oldest first."""
    values = {}
    if window.cursor is not None:
        values = {"cursor_at": window.cursor[0], "cursor_id": window.cursor[1]}
    listed = _PAGES.of(_PageVariant(window.cursor is not None))
    rows = await tx.all(listed, **values, limit=window.limit + 1, offset=window.offset)
    items = rows[: window.limit]
    more = len(rows) > window.limit
    return Page(items=items, next=(items[-1].created_at, items[-1].id) if more else None)


class _PageVariant(Struct, frozen=True):
    cursor: bool = False


def _page(v: _PageVariant) -> Query[Delivery]:
    where: list[ColumnElement[bool]] = [_IN_TENANT]
    if v.cursor:
        cursor = tuple_(param("cursor_at", t.c.created_at.type), param("cursor_id", t.c.id.type))
        where.append(tuple_(t.c.created_at, t.c.id) > cursor)
    listed = select(*_COLUMNS).where(*where).order_by(t.c.created_at, t.c.id)
    return Query(listed.limit(param("limit")).offset(param("offset")), Delivery)


_PAGES = StatementVariants(_page, _PageVariant)
