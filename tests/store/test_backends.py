"""The behaviour that both databases have in common."""

import asyncio
from typing import Any

import pytest

from koine.kit.ids import new_id
from koine.store.core.db import Database, Duplicate, Tx
from koine.store.core.text_folding import fold
from tests.store import scratch
from tests.store.scratch import Thing, add, add_many, ask, do, names


@pytest.fixture
async def db(db: Database) -> Database:
    await scratch.make_table(db)
    return db


@pytest.fixture
def t() -> str:
    return new_id()


async def test_a_row_comes_back_as_it_went_in(db: Database, t: str) -> None:
    id = await db.write(t, add, "it's é 🎈 \\ %", 2**53, False)
    found = await db.read(t, ask, scratch.BY_ID, id=id)
    assert found == [Thing(id, "it's é 🎈 \\ %", 2**53, False)]
    assert found[0].open is False


async def test_null_comes_back_as_none(db: Database, t: str) -> None:
    await db.write(t, add, None, open=None)
    assert (await db.read(t, ask, scratch.ALL))[0].open is None


async def test_another_tenant_sees_nothing(db: Database, t: str) -> None:
    await db.write(t, add, "a")
    assert await db.read(t, names) == ["a"]
    assert await db.read(new_id(), names) == []


async def test_a_limit_is_a_parameter_beside_constants(db: Database, t: str) -> None:
    for name, is_open in (("a", True), ("b", False), ("c", True), ("d", True)):
        await db.write(t, add, name, open=is_open)
    assert await db.read(t, ask, scratch.OPEN, limit=2) == ["a", "c"]


async def test_lists_as_parameters(db: Database, t: str) -> None:
    a, b = await db.write(t, add, "a"), await db.write(t, add, "b")
    assert await db.read(t, ask, scratch.IN, ids=[a, b, new_id()]) == ["a", "b"]
    assert await db.read(t, ask, scratch.NOT_IN, ids=[a]) == ["b"]
    assert await db.read(t, ask, scratch.IN, ids=[]) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [("ÉT", ["ete 50%_"]), ("%_", ["ete 50%_"]), ("_", ["ete 50%_"]), ("\\", ["x\\"])],
)
async def test_search_knows_no_case_and_no_wildcards(
    db: Database, t: str, text: str, found: list[str]
) -> None:
    for name in ("Été 50%_", "x\\"):
        await db.write(t, add, fold(name))
    assert await db.read(t, ask, scratch.SEARCH, text=text) == found


async def test_rows_as_a_table_to_join(db: Database, t: str) -> None:
    other = new_id()
    a, b = await db.write(t, add, "a"), await db.write(other, add, "b")
    wanted = [(t, a, 2), (other, b, 1), (t, b, 3)]
    facts = await db.write_batch(ask, scratch.FACTS, wanted=wanted)
    assert facts == [(1, "b"), (2, "a")]


async def test_rows_changed_are_counted(db: Database, t: str) -> None:
    a = await db.write(t, add, "a")
    await db.write(t, add, "b")
    assert await db.write(t, do, scratch.RENAME, id=a, new_name="z") == 1
    assert await db.write(t, do, scratch.RENAME, id=new_id(), new_name="z") == 0
    assert await db.write(t, do, scratch.DELETE) == 2


async def test_a_duplicate_names_its_constraint(db: Database, t: str) -> None:
    id = await db.write(t, add, "a")
    with pytest.raises(Duplicate, match=r"^things_name$"):
        await db.write(t, add, "a")
    with pytest.raises(Duplicate, match=r"^things_pkey$"):
        await db.write(t, do, scratch.INSERT, id=id, name="b", count=0, open=True)
    assert await db.read(t, names) == ["a"]


async def test_an_insert_that_ignores_conflicts_changes_no_row(db: Database, t: str) -> None:
    row = {"name": "a", "count": 0, "open": True}
    assert await db.write(t, do, scratch.IGNORE, id=new_id(), **row) == 1
    assert await db.write(t, do, scratch.IGNORE, id=new_id(), **row) == 0


async def test_an_upsert_adds_to_what_is_there(db: Database, t: str) -> None:
    row = {"id": new_id(), "name": "a", "count": 2, "open": True}
    assert await db.write(t, ask, scratch.UPSERT, **row) == [2]
    assert await db.write(t, ask, scratch.UPSERT, **row) == [4]


async def test_many_rows_at_once(db: Database, t: str) -> None:
    rows = [(t, new_id(), f"n{i}", i, i % 2 == 0) for i in range(3)]
    await db.write_batch(add_many, scratch.INSERT_MANY, rows)
    await db.write_batch(add_many, scratch.ADD_MANY, [*rows[:1], (t, new_id(), "x", None, None)])
    await db.write_batch(add_many, scratch.INSERT_MANY, [])
    assert [(r.name, r.count) for r in await db.read(t, ask, scratch.ALL)] == [
        ("n0", 0),
        ("n1", 1),
        ("n2", 2),
        ("x", None),
    ]


async def test_one_of_many_that_fails_fails_all(db: Database, t: str) -> None:
    rows = [(t, new_id(), name, 0, True) for name in ("a", "b", "a")]
    with pytest.raises(Duplicate, match="things_name"):
        await db.write_batch(add_many, scratch.INSERT_MANY, rows)
    assert await db.read(t, names) == []


async def test_many_updates_only_move_forward(db: Database, t: str) -> None:
    low, high = [await db.write(t, add, n, 5) for n in ("a", "b")]
    await db.write_batch(
        add_many,
        scratch.RAISE_MANY,
        [(t, low, False, 4), (t, high, False, 6), (new_id(), low, True, 9)],
    )
    found = [(r.count, r.open) for r in await db.read(t, ask, scratch.ALL)]
    assert found == [(5, False), (6, False)]


async def test_a_transaction_that_raises_is_rolled_back(db: Database, t: str) -> None:
    async def operation(tx: Tx) -> None:
        await add(tx, "a")
        raise LookupError("no")

    with pytest.raises(LookupError):
        await db.write(t, operation)
    assert await db.read(t, names) == []


async def test_one_of_many_writers_fails_alone(db: Database, t: str) -> None:
    done = await asyncio.gather(
        *(db.write(t, add, f"n{i % 15}") for i in range(16)), return_exceptions=True
    )
    assert sum(isinstance(each, Duplicate) for each in done) == 1
    assert len(await db.read(t, names)) == 15


async def test_a_transaction_cannot_continue_after_a_failed_statement(db: Database, t: str) -> None:
    async def operation(tx: Tx) -> None:
        await add(tx, "a")
        try:
            await add(tx, "a")
        except Duplicate:
            return

    with pytest.raises(RuntimeError, match="failed"):
        await db.write(t, operation)
    assert await db.read(t, names) == []


async def test_a_read_transaction_cannot_write(db: Database, t: str) -> None:
    for read in (db.read, db.read_long):
        with pytest.raises(RuntimeError, match=r"writes: scratch\.py"):
            await read(t, add, "a")
    assert await db.read(t, names) == []


async def test_a_missing_value_is_named(db: Database, t: str) -> None:
    with pytest.raises(TypeError, match="no value for 'id'"):
        await db.read(t, ask, scratch.BY_ID, ident="x")


async def test_a_long_read_answers_as_a_short_one(db: Database, t: str) -> None:
    await db.write(t, add, "a")
    assert await db.read_long(t, names) == await db.read(t, names) == ["a"]


async def test_ping_and_size(db: Database) -> None:
    await db.ping()
    assert await db.size_bytes() > 10_000


async def test_writers_of_one_row_wait_for_each_other(db: Database, t: str) -> None:
    # Without a name: PostgreSQL resolves the conflicts of the unique index that an upsert names,
    # and refuses a concurrent insert that meets the other one first.
    row: dict[str, Any] = {"id": new_id(), "name": None, "count": 1, "open": True}
    await asyncio.gather(*(db.write(t, ask, scratch.UPSERT, **row) for _ in range(40)))
    assert [r.count for r in await db.read(t, ask, scratch.ALL)] == [40]
