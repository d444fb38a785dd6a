"""Users, contacts and responders: one table, so that each can own, join and send."""

from msgspec import Struct, structs
from sqlalchemy import ColumnElement, func, insert, or_, select, tuple_, update

from koine.model.filters import PeopleFilter
from koine.model.identity import Identity, ResponderVersion
from koine.model.page import Page, Window
from koine.store.core.db import Tx
from koine.store.core.expressions import contains_text, in_list
from koine.store.core.statements import Command, Query, StatementVariants, param
from koine.store.core.text_folding import fold
from koine.store.search_texts import IDENTITY_COLUMNS, identity_search_texts
from koine.store.tables import contact_inboxes, responder_versions
from koine.store.tables import identities as t
from koine.store.tables.base import columns_of

COLUMNS = columns_of(t, Identity)
_IN_TENANT = t.c.tenant_id == param("tenant_id")
_NOT_REMOVED = t.c.removed_at.is_(None)
_MOST_HOLDERS = 10

_BY_ID = Query(select(*COLUMNS).where(_IN_TENANT, t.c.id == param("id")), Identity)
_BY_IDS = Query(select(*COLUMNS).where(_IN_TENANT, in_list(t.c.id, "ids")), Identity)
_LOCK = Query(
    select(*COLUMNS)
    .where(_IN_TENANT, in_list(t.c.id, "ids"))
    .order_by(t.c.id)
    .with_for_update(key_share=True),
    Identity,
)
_CONTACTS_WITH = {
    field: Query(
        select(*COLUMNS)
        .where(_IN_TENANT, _NOT_REMOVED, t.c.kind == "contact", t.c[field] == param("value"))
        .order_by(t.c[f"{field}_verified"].desc(), t.c.created_at, t.c.id)
        .limit(_MOST_HOLDERS),
        Identity,
    )
    for field in ("identifier", "email", "phone")
}
_INSERT = Command(
    insert(t).values(
        {"tenant_id": param("tenant_id")}
        | {name: param(name) for name in (*Identity.__struct_fields__, *IDENTITY_COLUMNS)}
    )
)
_CHANGEABLE = [
    name
    for name in (*Identity.__struct_fields__, *IDENTITY_COLUMNS)
    if name not in ("id", "number", "kind", "created_at")
]
_UPDATE = Command(
    update(t)
    .where(_IN_TENANT, t.c.id == param("id"))
    .values({name: param(f"new_{name}") for name in _CHANGEABLE})
)
_INSERT_VERSION = Command(
    insert(responder_versions).values(
        {"tenant_id": param("tenant_id")}
        | {name: param(name) for name in ResponderVersion.__struct_fields__}
    )
)
_VERSIONS = Query(
    select(*columns_of(responder_versions, ResponderVersion))
    .where(
        responder_versions.c.tenant_id == param("tenant_id"),
        responder_versions.c.responder_id == param("responder_id"),
    )
    .order_by(responder_versions.c.number.desc()),
    ResponderVersion,
)
_VERSIONS_BY_ID = Query(
    select(*columns_of(responder_versions, ResponderVersion)).where(
        responder_versions.c.tenant_id == param("tenant_id"),
        in_list(responder_versions.c.id, "ids"),
    ),
    ResponderVersion,
)


async def get(tx: Tx, identity_id: str) -> Identity | None:
    """The identity with this id, removed ones too."""
    return await tx.one(_BY_ID, id=identity_id)


async def get_by_ids(tx: Tx, ids: list[str]) -> dict[str, Identity]:
    """The identities with these ids, by id."""
    return {i.id: i for i in await tx.all(_BY_IDS, ids=ids)} if ids else {}


async def lock(tx: Tx, ids: list[str]) -> dict[str, Identity]:
    """As `get_by_ids`; locks the rows until the transaction ends."""
    return {i.id: i for i in await tx.all(_LOCK, ids=ids)}


async def contacts_with(tx: Tx, field: str, value: str) -> list[Identity]:
    """At most ten contacts whose `identifier`, `email` or `phone` is the value: first those of whom
    it is verified, the older first."""
    return await tx.all(_CONTACTS_WITH[field], value=value)


async def insert_one(tx: Tx, identity: Identity) -> None:
    """Add an identity. Raises Duplicate if the identifier of a contact is in use."""
    await tx.run(_INSERT, **structs.asdict(identity), **identity_search_texts(identity))


async def change(tx: Tx, identity: Identity) -> None:
    """Write the identity over the row with its id."""
    values = structs.asdict(identity) | identity_search_texts(identity)
    await tx.run(_UPDATE, id=identity.id, **{f"new_{n}": values[n] for n in _CHANGEABLE})


async def find_page(tx: Tx, f: PeopleFilter, window: Window) -> Page[Identity]:
    """One page, oldest first, without total."""
    if window.too_deep:
        return Page(items=[])
    given, values = _conditions(f)
    if window.cursor is not None:
        values |= {"cursor_at": window.cursor[0], "cursor_id": window.cursor[1]}
    listed = _PAGES.of(_PageVariant(**given, cursor=window.cursor is not None))
    rows = await tx.all(listed, **values, limit=window.limit + 1, offset=window.offset)
    items = rows[: window.limit]
    more = len(rows) > window.limit
    return Page(items=items, next=(items[-1].created_at, items[-1].id) if more else None)


async def count(tx: Tx, f: PeopleFilter) -> int:
    """How many identities `f` finds."""
    given, values = _conditions(f)
    return await tx.one(_COUNTS.of(_Variant(**given)), **values) or 0


async def add_version(tx: Tx, version: ResponderVersion) -> None:
    """Add a numbered version of a responder."""
    await tx.run(_INSERT_VERSION, **structs.asdict(version))


async def versions(tx: Tx, responder_id: str) -> list[ResponderVersion]:
    """A responder's versions, newest first."""
    return await tx.all(_VERSIONS, responder_id=responder_id)


async def versions_by_id(tx: Tx, ids: list[str]) -> dict[str, ResponderVersion]:
    """The responder versions with these ids, by id."""
    return {v.id: v for v in await tx.all(_VERSIONS_BY_ID, ids=ids)} if ids else {}


class _Variant(Struct, frozen=True, kw_only=True):
    """Which conditions a list of identities has."""

    kinds: bool = False
    roles: bool = False
    search: bool = False
    inbox_ids: bool = False


class _PageVariant(_Variant, frozen=True, kw_only=True):
    """Which conditions a page of identities has."""

    cursor: bool = False


def _conditions(f: PeopleFilter) -> tuple[dict[str, bool], dict[str, object]]:
    """The conditions `f` sets, by their names in a `_Variant`, and their values."""
    values: dict[str, object] = {
        name: list(wanted)
        for name in ("kinds", "roles", "inbox_ids")
        if (wanted := getattr(f, name))
    }
    if f.search is not None and fold(f.search):
        values["search"] = f.search
    return dict.fromkeys(values, True), values


def _where(v: _Variant) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [_IN_TENANT, _NOT_REMOVED]
    if v.kinds:
        found.append(in_list(t.c.kind, "kinds"))
    if v.roles:
        found.append(in_list(t.c.role, "roles"))
    if v.search:
        searched = (t.c.search_names, t.c.search_details)
        found.append(or_(*(contains_text(column, "search") for column in searched)))
    if v.inbox_ids:
        places = contact_inboxes.c
        found.append(
            select(places.contact_id)
            .where(
                places.tenant_id == param("tenant_id"),
                places.contact_id == t.c.id,
                in_list(places.inbox_id, "inbox_ids"),
            )
            .exists()
        )
    return found


def _page(v: _PageVariant) -> Query[Identity]:
    listed = select(*COLUMNS).where(*_where(v))
    if v.cursor:
        cursor = tuple_(param("cursor_at", t.c.created_at.type), param("cursor_id", t.c.id.type))
        listed = listed.where(tuple_(t.c.created_at, t.c.id) > cursor)
    ordered = listed.order_by(t.c.created_at, t.c.id)
    return Query(ordered.limit(param("limit")).offset(param("offset")), Identity)


def _count(v: _Variant) -> Query[int]:
    return Query(select(func.count()).select_from(t).where(*_where(v)), int)


_PAGES = StatementVariants(_page, _PageVariant)
_COUNTS = StatementVariants(_count, _Variant)
