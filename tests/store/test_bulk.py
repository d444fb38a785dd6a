"""Snapshots, bulk writers, and the sequences that go on above imported rows."""

import pytest

from koine.kit.ids import new_id
from koine.model.event import Event
from koine.store import server_values
from koine.store.archive.columns import BY_NAME
from koine.store.archive.rows import count_rows, stream_rows
from koine.store.core.db import Database, Tx
from koine.store.events import events
from tests.cast import Cast
from tests.realtime.plain_encoder import create_conversation, send_message

EVENT = Event("tenant.updated", "everyone", None, new_id(), None, "{}", 1)


async def test_a_snapshot_is_of_one_moment(cast: Cast) -> None:
    db, tenant_id = cast.engine.db, cast.acme.tenant.id
    async with db.snapshot() as view:
        before = await view.read(tenant_id, count_rows, BY_NAME["events"])
        await db.write(tenant_id, events.append, EVENT)
        assert await view.read(tenant_id, count_rows, BY_NAME["events"]) == before
        rows = [
            row async for page in stream_rows(view, BY_NAME["events"], tenant_id, 2) for row in page
        ]
        assert len(rows) == before
    assert await db.read(tenant_id, count_rows, BY_NAME["events"]) == before + 1


async def test_a_snapshot_does_not_write(cast: Cast) -> None:
    async with cast.engine.db.snapshot() as view:
        with pytest.raises(RuntimeError, match="only reads"):
            await view.read(cast.acme.tenant.id, events.append, EVENT)


async def test_a_stream_has_every_row_of_the_tenant_once(cast: Cast) -> None:
    async with cast.engine.db.snapshot() as view:
        pages = [
            page async for page in stream_rows(view, BY_NAME["identities"], cast.acme.tenant.id, 4)
        ]
    ids = [row.id for page in pages for row in page]
    assert {person.id for person in cast.acme.people.values()} < set(ids)
    assert len(ids) == len(set(ids)) and {len(page) for page in pages[:-1]} == {4}
    assert not {person.id for person in cast.rival.people.values()} & set(ids)


async def test_a_bulk_writer_commits_or_undoes_a_whole_operation(db: Database) -> None:
    async def put(tx: Tx, value: str, fails: bool) -> None:
        await server_values.put(tx, "bulk", value)
        if fails:
            raise KeyError

    async with db.bulk_writer() as writer:
        await writer.write("", put, "first", False)
        with pytest.raises(KeyError):
            await writer.write("", put, "second", True)
    assert await db.read("", server_values.get, "bulk") == "first"


async def test_no_event_gets_a_position_that_was_taken(cast: Cast) -> None:
    db, tenant_id = cast.engine.db, cast.acme.tenant.id
    before = await db.take_positions(5)
    await db.write(tenant_id, events.append, EVENT)
    assert (await db.read("", events.log_snapshot)).last > before + 5
    assert await db.take_positions(1) > before + 5


async def test_the_numbers_of_messages_are_raised_and_never_lowered(cast: Cast) -> None:
    db = cast.engine.db
    for number in (5_000_000, 7):
        await db.raise_message_numbers(number)
    conversation = await create_conversation(cast, "dan")
    assert (await send_message(cast, conversation, "hello")).number > 5_000_000
