"""Several statements for many rows in one round trip: all succeed, or none."""

import pytest

from koine.kit.ids import new_id
from koine.store.core.db import Database, Duplicate, RowBatch, Tx
from tests.store import scratch
from tests.store.scratch import ask, names


@pytest.fixture
async def t(db: Database) -> str:
    await scratch.make_table(db)
    return new_id()


async def together(tx: Tx, *work: RowBatch) -> None:
    await tx.execute_together(*work)


async def test_an_insert_and_an_update_of_another_row(db: Database, t: str) -> None:
    old = new_id()
    await db.write_batch(together, (scratch.INSERT_MANY, [(t, old, "old", 1, True)]))
    insert: RowBatch = (scratch.INSERT_MANY, [(t, new_id(), "new", 1, True)])
    update: RowBatch = (scratch.RAISE_MANY, [(t, old, False, 7)])
    await db.write_batch(together, insert, update, (scratch.INSERT_MANY, []))
    new, raised = await db.read(t, ask, scratch.ALL)
    assert (new.name, raised.count, raised.open) == ("new", 7, False)


async def test_an_empty_batch_does_nothing(db: Database, t: str) -> None:
    await db.write_batch(together, (scratch.INSERT_MANY, []))
    assert await db.read(t, names) == []


async def test_one_that_fails_fails_all(db: Database, t: str) -> None:
    twice: RowBatch = (scratch.INSERT_MANY, [(t, new_id(), "same", 1, True)] * 2)
    with pytest.raises(Duplicate):
        await db.write_batch(
            together, (scratch.INSERT_MANY, [(t, new_id(), "fine", 1, True)]), twice
        )
    assert await db.read(t, names) == []
