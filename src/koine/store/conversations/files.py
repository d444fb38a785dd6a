"""Rows of stored files; the bytes are on disk, named by the key of the row."""

from msgspec import Struct, structs
from sqlalchemy import delete, insert, select

from koine.store.conversations import counters
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.statements import Command, Query, param
from koine.store.tables import files as t
from koine.store.tables.base import columns_of
from koine.store.tenants import ACTIVE

TOTAL = "uploads:total"
"""The counter of the bytes of a tenant's files."""


class StoredFile(Struct, frozen=True):
    """One file: `key` is its unguessable name on disk and in its URL; `size` in bytes."""

    id: str
    number: int
    conversation_id: str | None
    name: str
    content_type: str
    size: int
    key: str
    created_at: int


_INSERT = Command(
    insert(t).values(
        {"tenant_id": param("tenant_id")}
        | {name: param(name) for name in StoredFile.__struct_fields__}
    )
)
_BY_KEY = Query(
    # A tenant that is being imported has no row yet.
    select(*columns_of(t, StoredFile)).where(t.c.key == param("key"), t.c.tenant_id.in_(ACTIVE)),
    StoredFile,
    crosses_tenants="the unguessable key is the permission to read the file",
)
_KNOWN = Query(
    select(t.c.key).where(in_list(t.c.key, "keys")),
    str,
    crosses_tenants="the files of all tenants are in one folder",
)
_OF = Query(
    select(*columns_of(t, StoredFile)).where(
        t.c.tenant_id == param("tenant_id"), t.c.conversation_id == param("conversation_id")
    ),
    StoredFile,
)
_DELETE_MANY = Query(
    delete(t)
    .where(t.c.tenant_id == param("tenant_id"), in_list(t.c.id, "ids"))
    .returning(*columns_of(t, StoredFile)),
    StoredFile,
)
_DELETE_OF = Command(
    delete(t).where(
        t.c.tenant_id == param("tenant_id"), t.c.conversation_id == param("conversation_id")
    )
)


async def insert_one(tx: Tx, file: StoredFile) -> None:
    """Add the row of a file whose bytes are on disk."""
    await tx.run(_INSERT, **structs.asdict(file))


async def get_by_key(tx: Tx, key: str) -> StoredFile | None:
    """The file with this key, of any tenant that is not suspended."""
    return await tx.one(_BY_KEY, key=key)


async def known(tx: Tx, keys: list[str]) -> list[str]:
    """Those of these keys that have a row, of any tenant."""
    return await tx.all(_KNOWN, keys=keys)


async def delete_of(tx: Tx, conversation_id: str) -> list[StoredFile]:
    """Delete the rows of a conversation's files; returns them, for the deletion of the bytes."""
    found = await tx.all(_OF, conversation_id=conversation_id)
    await tx.run(_DELETE_OF, conversation_id=conversation_id)
    await _subtract_sizes(tx, found)
    return found


async def delete_many(tx: Tx, ids: list[str]) -> list[StoredFile]:
    """Delete the rows of these files; returns them, for the deletion of the bytes."""
    gone = await tx.all(_DELETE_MANY, ids=ids)
    await _subtract_sizes(tx, gone)
    return gone


async def _subtract_sizes(tx: Tx, removed: list[StoredFile]) -> None:
    await counters.add(tx, {TOTAL: -sum(file.size for file in removed)})
