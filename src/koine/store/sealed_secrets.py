"""What the server's keys have encrypted, in every table, page by page.

Each table has a current secret and the one before, which is valid for a time. `HMAC_TOKENS` are
perhaps still in clear text, in rows that an older Koine wrote.
"""

from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import Select, Table, func, literal, null, select, tuple_

from koine.kit.ids import NIL_ID
from koine.store.core.db import Tx
from koine.store.core.statements import Query, UpdateMany, param
from koine.store.tables import inboxes, tenants, webhook_endpoints

BATCH = 200
"""Rows of a page, and of a transaction that encrypts anew."""
FIRST = (NIL_ID, NIL_ID)
"""Before the first row."""
CROSSES_TENANTS = "the server's keys encrypt the secrets of every tenant"

SealedKind = Literal["webhook", "inbox"]


class SealedRow(Struct, frozen=True):
    """The encrypted values of a row: its secret, the one before and until when that is valid (µs),
    headers. `clear` is the text in whose place `secret` will be."""

    tenant_id: str
    id: str
    name: str
    secret: bytes | None
    old_secret: bytes | None
    old_until: int | None
    headers: bytes | None
    clear: str | None


class SealedTable:
    """A table with encrypted columns. `clear` is the column that an older Koine wrote instead of
    `secret`."""

    def __init__(
        self,
        kind: SealedKind,
        table: Table,
        columns: tuple[str, str],
        *,
        headers: str = "",
        clear: str = "",
    ) -> None:
        secret, old = columns
        self.kind = kind
        self.table = table
        self.columns = tuple(name for name in (secret, old, headers) if name)
        rows = _rows(table, secret, old, headers, clear)
        self.page = Query(rows, SealedRow, crosses_tenants=CROSSES_TENANTS)
        self.locked_page = Query(
            rows.with_for_update(key_share=True), SealedRow, crosses_tenants=CROSSES_TENANTS
        )
        self.has_clear = bool(clear)
        changed = [*self.columns, clear] if clear else [*self.columns]
        self.save = UpdateMany(table, ["tenant_id", "id"], changed, crosses_tenants=CROSSES_TENANTS)


def _rows(table: Table, secret: str, old: str, headers: str, clear: str) -> Select[Any]:
    t = table.c
    key = tuple_(t.tenant_id, t.id)
    after = tuple_(param("tenant_after", t.tenant_id.type), param("id_after", t.id.type))
    return (
        select(
            t.tenant_id, t.id, t.name, t[secret], t[old], t[f"{old}_until"],
            t[headers] if headers else null(), t[clear] if clear else null(),
        )
        .where(key > after)
        .order_by(t.tenant_id, t.id)
        .limit(literal(BATCH))
    )  # fmt: skip


WEBHOOK_SECRETS = SealedTable(
    "webhook", webhook_endpoints, ("secret", "old_secret"), headers="headers"
)
HMAC_TOKENS = SealedTable(
    "inbox", inboxes, ("sealed_hmac_token", "old_hmac_token"), clear="hmac_token"
)
SEALED: tuple[SealedTable, ...] = (WEBHOOK_SECRETS, HMAC_TOKENS)
"""Every table with encrypted columns; a test compares them with the metadata."""

_HAS_CLEAR = Query(
    select(literal(1)).select_from(inboxes).where(inboxes.c.sealed_hmac_token.is_(None)).limit(1),
    int,
    crosses_tenants=CROSSES_TENANTS,
)
_COUNTS = [
    Query(select(func.count()).select_from(sealed.table), int, crosses_tenants=CROSSES_TENANTS)
    for sealed in SEALED
]
_SLUGS = Query(
    select(tenants.c.id, tenants.c.slug), crosses_tenants="tenants are not rows of a tenant"
)


async def find_page(
    tx: Tx, table: SealedTable, after: tuple[str, str], *, lock: bool = False
) -> list[SealedRow]:
    """The next `BATCH` rows after the one with this tenant and id; fewer are the last. `lock`:
    until the transaction ends."""
    query = table.locked_page if lock else table.page
    return await tx.all(query, tenant_after=after[0], id_after=after[1])


async def change_many(tx: Tx, table: SealedTable, rows: list[SealedRow]) -> None:
    """Write the encrypted values of these rows, and `clear` where the table has it."""
    await tx.many(table.save, [_saved(table, row) for row in rows])


async def has_clear_tokens(tx: Tx) -> bool:
    """Whether an HMAC token is in clear text."""
    return await tx.one(_HAS_CLEAR) is not None


async def count(tx: Tx) -> int:
    """How many rows the tables have."""
    return sum([await tx.one(query) or 0 for query in _COUNTS])


async def slugs(tx: Tx) -> dict[str, str]:
    """The short names of tenants, by id."""
    return {row[0]: row[1] for row in await tx.all(_SLUGS)}


def _saved(table: SealedTable, row: SealedRow) -> tuple[Any, ...]:
    values: tuple[Any, ...] = (row.tenant_id, row.id, row.secret, row.old_secret)
    return (*values, row.clear) if table.has_clear else (*values, row.headers)
