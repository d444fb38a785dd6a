"""The server's count of messages: how a migration numbers existing ones, and how one is found."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from koine.kit.ids import new_id
from koine.store import schema
from koine.store.conversations import message_numbers
from koine.store.core.db import Database, Tx
from koine.store.core.statements import InsertMany, Query
from koine.store.tables import conversations, metadata
from koine.store.tables import messages as t

NAME = "numbers_of_messages"
OLD = ["tenant_id", "id", "conversation_id", "seq", "public_seq", "sender_kind", "type", "content",
       "content_type", "content_attributes", "private", "created_at", "updated_at"]  # fmt: skip
_OLD = InsertMany(t, OLD)
_NEW = InsertMany(t, OLD, numbered="number")
_ALL = Query(
    select(t.c.conversation_id, t.c.seq, t.c.number).order_by(t.c.conversation_id, t.c.seq),
    crosses_tenants="a test looks at all",
)
_HEADS = InsertMany(conversations, [
    "tenant_id", "id", "number", "kind", "status", "source", "responder_active",
    "custom_attributes", "labels", "last_seq", "public_count", "last_public_seq",
    "last_activity_at", "participant_count", "created_at", "updated_at",
])  # fmt: skip


def row(tenant_id: str, conversation_id: str, seq: int) -> tuple[object, ...]:
    """The row of a message, with the required columns."""
    text = ("user", "text", f"{seq}", "text", "{}")
    return (tenant_id, new_id(), conversation_id, seq, seq, *text, False, seq, seq)


async def _add(tx: Tx, rows: list[tuple[object, ...]]) -> list[int]:
    return await tx.many(_NEW, rows)


async def before_numbers(db: Database, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """The tables as they were before messages had numbers."""
    drops = ";".join(f"DROP TABLE {each.name}" for each in reversed(metadata.sorted_tables))
    await db.alter_schema(lambda _: f"{drops}; DROP TABLE alembic_version;")
    versions = shutil.copytree(schema._MIGRATIONS, folder / "migrations") / "versions"
    names = sorted(each.name for each in versions.glob("[0-9]*.py"))
    first = next(n for n, name in enumerate(names) if NAME in name)
    for name in names[first:]:
        (versions / name).unlink()
    with patch.context() as older:
        older.setattr(schema, "_MIGRATIONS", versions.parent)
        await schema.migrate(db)


async def test_existing_messages_are_numbered_and_new_ones_continue(
    fresh_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await before_numbers(fresh_db, tmp_path, monkeypatch)
    tenant, conversation_ids = new_id(), [new_id() for _ in range(3)]
    # Not in the order of creation: PostgreSQL moves a row that is updated.
    old = [row(tenant, conversation_ids[n % 3], 40 - n // 3) for n in range(120)]
    await fresh_db.write(tenant, lambda tx: tx.many(_OLD, old))
    await schema.migrate(fresh_db)
    new = [row(tenant, conversation_id, 41) for conversation_id in conversation_ids]
    assert await fresh_db.write(tenant, _add, new) == [121, 122, 123]
    found = await fresh_db.read(tenant, lambda tx: tx.all(_ALL))
    assert {number for *_, number in found} == set(range(1, 124))
    for conversation_id in conversation_ids:
        numbers = [number for conversation, _, number in found if conversation == conversation_id]
        assert numbers == sorted(numbers)


async def test_the_place_of_any_number_is_found(db: Database) -> None:
    tenant, conversation_id, other = new_id(), new_id(), new_id()
    head = (
        tenant,
        conversation_id,
        1,
        "chat",
        "open",
        "api",
        True,
        "{}",
        "[]",
        30,
        30,
        30,
        1,
        0,
        1,
        1,
    )
    await db.write(tenant, lambda tx: tx.many(_HEADS, [head]))
    numbers = []
    for seq in range(1, 31):
        both = [row(tenant, conversation_id, seq), row(tenant, other, seq)]
        numbers.append((await db.write(tenant, _add, both))[0])
    for wanted in (0, *numbers, *(n + 1 for n in numbers), 2**62):
        below = await db.read(tenant, message_numbers.below, conversation_id, wanted)
        assert below == sum(number < wanted for number in numbers)
    assert await db.read(tenant, message_numbers.below, new_id(), numbers[0]) == 0
