"""The rows of one tenant in each table: read as a stream, written many at a time.

A row is a Struct with a field for each column that an archive has, of the column's name. In JSON it
is an object without the fields that have their default, which is the column's.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, func, select

from koine.model.conversation import Conversation
from koine.model.event import Event
from koine.model.identity import Identity
from koine.model.inbox import ContactInbox, Inbox
from koine.model.message import Message
from koine.model.retention import LegalHold
from koine.model.webhook import WebhookDelivery, WebhookEndpoint
from koine.store.archive.columns import BY_NAME, TABLES, ArchivedTable
from koine.store.core.db import Snapshot, Tx
from koine.store.core.statements import InsertMany, Query, param
from koine.store.core.text_folding import folded_or_none
from koine.store.core.types import Uuid
from koine.store.search_texts import IDENTITY_COLUMNS, identity_search_texts
from koine.store.tables.base import key_in_tenant

Row = Any
"""A Struct of `row_type`."""

_UUID = Annotated[
    str, Meta(pattern="^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
]
_INT = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_MODELS: dict[str, type[Struct]] = {
    "identities": Identity,
    "inboxes": Inbox,
    "contact_inboxes": ContactInbox,
    "conversations": Conversation,
    "messages": Message,
    "events": Event,
    "webhook_endpoints": WebhookEndpoint,
    "webhook_deliveries": WebhookDelivery,
    "legal_holds": LegalHold,
}
"""Types whose fields say which texts are allowed in a column: what other code relies on."""
_LEFT_OUT = ("here", "derived")


def row_type(of: ArchivedTable) -> type[Struct]:
    """The type of a table's rows. It checks what it decodes: ids, ranges of numbers, the words that
    the model allows."""
    return _ROW_TYPES[of.name]


async def count_rows(tx: Tx, of: ArchivedTable) -> int:
    """How many rows of the table the tenant has."""
    return await tx.one(_COUNTS[of.name]) or 0


async def count_tables(tx: Tx) -> dict[str, int]:
    """How many rows of each table the tenant has."""
    return {table.name: await count_rows(tx, table) for table in TABLES}


def stream_rows(
    view: Snapshot, of: ArchivedTable, tenant_id: str, size: int
) -> AsyncIterator[list[Row]]:
    """The tenant's rows in the order of the primary key, at most `size` at a time."""
    return view.stream(_SELECTS[of.name], size, tenant_id=tenant_id)


async def insert_rows(tx: Tx, of: ArchivedTable, rows: Sequence[Row]) -> None:
    """Write rows of the transaction's tenant, with the columns that are derived. Raises
    Duplicate."""
    derive = _DERIVED.get(of.name)
    values = [
        (tx.tenant_id, *msgspec.structs.astuple(row), *(derive(row) if derive else ()))
        for row in rows
    ]
    await tx.many(_INSERTS[of.name], values)


def _field(column: Column[Any], nullable: bool, model: dict[str, Any]) -> tuple[str, Any, Any]:
    """The field of a column: its name, type and default."""
    if isinstance(column.type, Uuid):
        type_: Any = _UUID
    elif isinstance(column.type, Boolean):
        type_ = bool
    elif isinstance(column.type, BigInteger | Integer):
        type_ = _INT
    elif isinstance(column.type, LargeBinary):
        type_ = bytes
    else:
        type_ = model.get(column.name, str)
    if nullable or column.nullable:
        return str(column.name), type_ | None, None
    return str(column.name), type_, _default(column)


def _has_default(column: Column[Any]) -> bool:
    return column.server_default is not None and column.identity is None


def _default(column: Column[Any]) -> Any:
    """The default that the database has for rows that are older than the column."""
    if not _has_default(column):
        return msgspec.NODEFAULT
    text = str(getattr(column.server_default, "arg", ""))
    if isinstance(column.type, Boolean):
        return text == "true"
    return int(text) if isinstance(column.type, BigInteger | Integer) else text


def _row_type(of: ArchivedTable) -> type[Struct]:
    hints = get_type_hints(_MODELS[of.name]) if of.name in _MODELS else {}
    may_lack = of.of_kind("secret", "sealed")
    fields = [_field(of.table.c[name], name in may_lack, hints) for name in _archived(of)]
    return msgspec.defstruct(
        f"{of.name}_row", fields, omit_defaults=True, kw_only=False, module=__name__
    )


def _archived(of: ArchivedTable) -> list[str]:
    """The columns of a row: those with a default last, as a Struct wants them."""
    names = [name for name, kind in of.kinds.items() if kind not in _LEFT_OUT]
    may_lack = of.of_kind("secret", "sealed")
    return sorted(
        names,
        key=lambda name: (
            name in may_lack or bool(of.table.c[name].nullable) or _has_default(of.table.c[name])
        ),
    )


def _select(of: ArchivedTable) -> Query[Row]:
    columns = [of.table.c[name] for name in _archived(of)]
    mine = select(*columns).where(of.table.c.tenant_id == param("tenant_id"))
    return Query(mine.order_by(*key_in_tenant(of.table)), _ROW_TYPES[of.name])


def _conversation_texts(row: Row) -> tuple[str | None, ...]:
    return folded_or_none(row.title), folded_or_none(row.last_content)


def _identity_texts(row: Row) -> tuple[str, ...]:
    return tuple(identity_search_texts(row)[name] for name in IDENTITY_COLUMNS)


_DERIVED: dict[str, Callable[[Row], tuple[str | None, ...]]] = {
    "identities": _identity_texts,
    "conversations": _conversation_texts,
}
_ROW_TYPES = {each.name: _row_type(each) for each in TABLES}
_SELECTS = {each.name: _select(each) for each in TABLES}
_COUNTS = {
    each.name: Query(
        select(func.count())
        .select_from(each.table)
        .where(each.table.c.tenant_id == param("tenant_id")),
        int,
    )
    for each in TABLES
}
_INSERTS = {
    each.name: InsertMany(each.table, ["tenant_id", *_archived(each), *each.of_kind("derived")])
    for each in TABLES
}

assert {name for name, each in BY_NAME.items() if each.of_kind("derived")} == _DERIVED.keys()
