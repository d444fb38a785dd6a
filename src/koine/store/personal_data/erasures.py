"""The rows of erasures: which people are erased, and how far that is."""

from msgspec import Struct, structs
from sqlalchemy import and_, or_, select, tuple_, update

from koine.model.page import Page, Window
from koine.model.personal_data import Erasure
from koine.store.core.db import Tx
from koine.store.core.expressions import upsert
from koine.store.core.statements import Command, Query, StatementVariants, param
from koine.store.tables import erasures as t
from koine.store.tables.base import columns_of

_COLUMNS = columns_of(t, Erasure)
_ONE = and_(t.c.tenant_id == param("tenant_id"), t.c.id == param("id"))
_GET = Query(select(*_COLUMNS).where(_ONE), Erasure)
_LOCK = Query(select(*_COLUMNS).where(_ONE).with_for_update(), Erasure)
_SAVE = Command(
    upsert(
        t,
        {"tenant_id": param("tenant_id")}
        | {name: param(name) for name in Erasure.__struct_fields__},
        ["tenant_id", "id"],
        lambda new: {
            name: getattr(new, name) for name in Erasure.__struct_fields__ if name != "id"
        },
    )
)
_PROGRESS = Command(
    update(t)
    .where(_ONE, t.c.requested_at == param("requested"))
    .values(
        after_id=param("new_after_id"),
        erased_at=param("new_erased_at"),
        checked_at=param("new_checked_at"),
        counts=param("new_counts"),
    )
)
_UNFINISHED = Query(
    select(t.c.id)
    .where(
        t.c.tenant_id == param("tenant_id"),
        t.c.checked_at.is_(None),
        or_(
            and_(t.c.erased_at.is_(None), t.c.requested_at < param("requested_before")),
            t.c.erased_at < param("erased_before"),
        ),
    )
    .order_by(t.c.id)
    .limit(param("limit")),
    str,
)


class _PageVariant(Struct, frozen=True):
    """Which conditions a page of erasures has."""

    cursor: bool = False


def _page(v: _PageVariant) -> Query[Erasure]:
    listed = select(*_COLUMNS).where(t.c.tenant_id == param("tenant_id"))
    if v.cursor:
        cursor = tuple_(param("cursor_at", t.c.requested_at.type), param("cursor_id", t.c.id.type))
        listed = listed.where(tuple_(t.c.requested_at, t.c.id) < cursor)
    newest = listed.order_by(t.c.requested_at.desc(), t.c.id.desc())
    return Query(newest.limit(param("limit")), Erasure)


_PAGES = StatementVariants(_page, _PageVariant)


async def get(tx: Tx, identity_id: str) -> Erasure | None:
    """The erasure of this person."""
    return await tx.one(_GET, id=identity_id)


async def lock(tx: Tx, identity_id: str) -> Erasure | None:
    """As `get`; locks the row until the transaction ends."""
    return await tx.one(_LOCK, id=identity_id)


async def save(tx: Tx, erasure: Erasure) -> None:
    """Write the erasure, over the row of an earlier one of the same person."""
    await tx.run(_SAVE, **structs.asdict(erasure))


async def save_progress(tx: Tx, erasure: Erasure) -> bool:
    """Save how far it is; False if the person's erasure was requested again since."""
    saved = await tx.run(
        _PROGRESS,
        id=erasure.id,
        requested=erasure.requested_at,
        new_after_id=erasure.after_id,
        new_erased_at=erasure.erased_at,
        new_checked_at=erasure.checked_at,
        new_counts=erasure.counts,
    )
    return bool(saved)


async def unfinished(tx: Tx, requested_before: int, erased_before: int, limit: int) -> list[str]:
    """The ids of people whose erasure was requested before a time (µs) and is not done, or was done
    before another and is not checked."""
    return await tx.all(
        _UNFINISHED,
        requested_before=requested_before,
        erased_before=erased_before,
        limit=limit,
    )


async def find_page(tx: Tx, window: Window) -> Page[Erasure]:
    """A page of the tenant's erasures, newest first."""
    values: dict[str, object] = {}
    if window.cursor is not None:
        values = {"cursor_at": window.cursor[0], "cursor_id": window.cursor[1]}
    listed = _PAGES.of(_PageVariant(cursor=window.cursor is not None))
    rows = await tx.all(listed, **values, limit=window.limit + 1)
    items = rows[: window.limit]
    more = len(rows) > window.limit
    return Page(items=items, next=(items[-1].requested_at, items[-1].id) if more else None)
