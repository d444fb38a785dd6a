"""Delete the rows of a tenant, of every table, a batch at a time; what remains is a tombstone.

A batch is a range of the primary key: the rows up to the last of the first `limit`. Both databases
find these by the index of the key, however large the tables are.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Column, ColumnElement, Table, delete, select, tuple_, update

from koine.model.tenant import DeletedTenant, Tenant
from koine.store.conversations.files import StoredFile
from koine.store.core.db import Tx
from koine.store.core.expressions import upsert
from koine.store.core.statements import Command, Query, param
from koine.store.tables import deleted_tenants as t
from koine.store.tables import files, metadata, tenants
from koine.store.tables.base import columns_of, key_in_tenant

NO_ROWS_OF_TENANTS = frozenset({"server", "login_attempts", "tenants", "deleted_tenants"})
"""The tables whose rows belong to no tenant, and that of the tenants themselves."""
TABLES: tuple[str, ...] = tuple(
    table.name for table in reversed(metadata.sorted_tables) if "tenant_id" in table.c
)
"""The tables of a tenant's rows. One that refers to another comes before it."""
_ALL_TENANTS = "tenants are not rows of a tenant"


class _Statements(Struct, frozen=True):
    """`last` finds the key at which a batch ends; `batch` deletes up to it, `rest` all there is."""

    key: tuple[str, ...]
    last: Query[Any]
    batch: Command
    rest: Command


def _statements(table: Table) -> _Statements:
    key = key_in_tenant(table)
    mine = table.c.tenant_id == param("tenant_id")
    ordered = select(*key).where(mine).order_by(*key)
    return _Statements(
        tuple(column.name for column in key),
        Query(ordered.limit(1).offset(param("skipped"))),
        Command(delete(table).where(mine, _up_to(key))),
        Command(delete(table).where(mine)),
    )


def _up_to(key: list[Column[Any]]) -> ColumnElement[bool]:
    ends = [param(f"last_{column.name}", column.type) for column in key]
    return key[0] <= ends[0] if len(key) == 1 else tuple_(*key) <= tuple_(*ends)


_OF = {name: _statements(metadata.tables[name]) for name in TABLES}
_NEXT_FILES = Query(
    select(*columns_of(files, StoredFile))
    .where(files.c.tenant_id == param("tenant_id"))
    .order_by(files.c.id)
    .limit(param("limit")),
    StoredFile,
)
_DUE = Query(
    select(*columns_of(tenants, Tenant))
    .where(tenants.c.delete_at <= param("now"))
    .order_by(tenants.c.delete_at),
    Tenant,
    crosses_tenants=_ALL_TENANTS,
)
_DELETE_TENANT = Command(delete(tenants).where(tenants.c.id == param("tenant_id")))
_BEGIN = Command(
    upsert(
        t,
        {name: param(name) for name in DeletedTenant.__struct_fields__},
        ["id"],
        lambda new: {"number": new.number, "finished_at": None},
    ),
    crosses_tenants=_ALL_TENANTS,
)
_GET = Query(
    select(*columns_of(t, DeletedTenant)).where(t.c.id == param("id")).with_for_update(),
    DeletedTenant,
    crosses_tenants=_ALL_TENANTS,
)
_ALL = Query(
    select(*columns_of(t, DeletedTenant)).order_by(t.c.number),
    DeletedTenant,
    crosses_tenants=_ALL_TENANTS,
)
_SAVE = Command(
    update(t)
    .where(t.c.id == param("id"))
    .values(counts=param("new_counts"), finished_at=param("new_finished_at")),
    crosses_tenants=_ALL_TENANTS,
)


async def due(tx: Tx, now: int) -> list[Tenant]:
    """The tenants whose deletion has begun or is to begin, the one that waits longest first."""
    return await tx.all(_DUE, now=now)


async def tombstones(tx: Tx) -> list[DeletedTenant]:
    """The tombstones of all deleted tenants, by number."""
    return await tx.all(_ALL)


async def insert_tombstone(tx: Tx, tenant: Tenant, now: int) -> None:
    """Write the tombstone of a tenant whose deletion begins; one that there is stays."""
    values = {"id": tenant.id, "number": tenant.number, "started_at": now}
    await tx.run(_BEGIN, **values, finished_at=None, counts="{}")


async def next_files(tx: Tx, limit: int) -> list[StoredFile]:
    """The files whose rows the next batch of `files` deletes."""
    return await tx.all(_NEXT_FILES, limit=limit)


async def delete_batch(tx: Tx, table: str, limit: int) -> int:
    """Delete the first `limit` rows of the transaction's tenant from a table of TABLES; returns how
    many there were. They are counted in the tombstone, which the caller has inserted."""
    count = await delete_rows(tx, table, limit)
    if count:
        await _add(tx, {table: count})
    return count


async def delete_rows(tx: Tx, table: str, limit: int) -> int:
    """As `delete_batch`, for rows that are counted nowhere."""
    of = _OF[table]
    last = await tx.one(of.last, skipped=limit - 1)
    if last is None:
        return await tx.run(of.rest)
    ends = {f"last_{name}": value for name, value in zip(of.key, last, strict=True)}
    return await tx.run(of.batch, **ends)


async def delete_tenant(tx: Tx, now: int) -> DeletedTenant | None:
    """Delete the row of the transaction's tenant, of which nothing else is left; returns its
    tombstone."""
    await tx.run(_DELETE_TENANT)
    found = await tx.one(_GET, id=tx.tenant_id)
    if found is not None:
        await tx.run(_SAVE, id=found.id, new_counts=found.counts, new_finished_at=now)
        return DeletedTenant(found.id, found.number, found.started_at, now, found.counts)
    return None


async def _add(tx: Tx, counted: Mapping[str, int]) -> None:
    found = await tx.one(_GET, id=tx.tenant_id)
    if found is None:
        return
    counts = msgspec.json.decode(found.counts, type=dict[str, int])
    for name, count in counted.items():
        counts[name] = counts.get(name, 0) + count
    text = msgspec.json.encode(counts).decode()
    await tx.run(_SAVE, id=found.id, new_counts=text, new_finished_at=found.finished_at)
