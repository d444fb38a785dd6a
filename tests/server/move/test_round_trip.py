"""A server that moves to PostgreSQL and back is the same server."""

import apsw
import pytest

from koine.engine.conversations import files, messages
from koine.kit.settings import Settings
from koine.model.actor import operator
from koine.model.conversation import Conversation
from koine.model.cursor import parse
from koine.model.message import Draft
from koine.server.move import moving
from koine.store import tables
from koine.store.events import events
from koine.store.tables import metadata
from koine.store.whole_tables import TABLES
from tests.cast import Cast
from tests.drivers.cast_app import CastApp, app_over
from tests.drivers.registry import DRIVERS
from tests.engine.archive.archived import UPLOAD
from tests.realtime.plain_encoder import PlainReader, realtime_of, received
from tests.server.move.places import Places, all_rows, engine_over, move, opened


async def said_in_every_dialect(settings: Settings, cast: Cast) -> Conversation:
    """A conversation with a message from each dialect."""
    async with opened(settings) as db:
        here = app_over(Cast(await engine_over(db, settings), cast.clock, cast.acme, cast.rival))
        conversation = await here.create_conversation()
        for name, kind in DRIVERS.items():
            await kind(here).post(conversation, f"from {name}")
        return conversation


async def answers(settings: Settings, cast: Cast, conversation: Conversation) -> dict[str, object]:
    """What a server on this database answers in each dialect, to clients of the cast with the
    tokens that they have."""
    async with opened(settings) as db:
        here = app_over(Cast(await engine_over(db, settings), cast.clock, cast.acme, cast.rival))
        client = CastApp(cast, here.call, here.dialects)
        found: dict[str, object] = {}
        for name, kind in DRIVERS.items():
            driver = kind(client)
            found[name] = (
                await driver.get(conversation),
                await driver.read(conversation),
                await driver.list_ids(),
            )
        return found


async def test_there_and_back_again(places: Places) -> None:
    here, there, back = places.filled(), places.postgres(), places.sqlite("back")
    cast = places.original.cast
    conversation = await said_in_every_dialect(here, cast)
    await answers(here, cast, conversation)  # who reads messages marks them as read
    answered = await answers(here, cast, conversation)
    before = await all_rows(here)
    made = await move(here, there)
    assert await all_rows(there) == before
    assert {name: digest.rows for name, digest in made.tables.items()} == {
        name: len(rows) for name, rows in before.items()
    }
    assert await answers(there, cast, conversation) == answered and len(answered) == 5
    assert await all_rows(there) == before
    returned = await move(there, back)
    assert await all_rows(back) == before
    assert returned.tables == made.tables and not returned.resumed
    assert await answers(back, cast, conversation) == answered
    assert all(rows for name, rows in before.items() if not metadata.tables[name].foreign_keys)


async def test_every_table_of_the_database_moves(places: Places) -> None:
    here = places.sqlite()
    async with opened(here):
        pass
    found = apsw.Connection(here.database_url.removeprefix("sqlite:///")).execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    moved = {str(table.name) for table in TABLES}
    assert {name for (name,) in found} == moved | {"server", "alembic_version"}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_numbers_and_positions_go_on_above_deleted_ones(places: Places, kind: str) -> None:
    here, there = places.filled(), places.to(kind)
    cast, conversation_id = places.original.cast, places.original.conversation_id
    acme = operator(cast.acme.tenant.id)
    async with opened(here) as db:
        await db.raise_message_numbers(7_000)
        await db.raise_positions(9_000)
    await move(here, there)
    async with opened(there) as db:
        engine = await engine_over(db, there)
        draft = Draft(content="after", sender_id=cast.acme.id("ada"))
        sent = await messages.send(engine, acme, conversation_id, draft)
        assert sent.number == 7_001
        assert 9_000 < (await db.read("", events.log_snapshot)).last < 9_010


async def test_a_stream_goes_on_without_a_gap(places: Places) -> None:
    here, there = places.filled(), places.postgres()
    cast, conversation_id = places.original.cast, places.original.conversation_id
    acme, alice = operator(cast.acme.tenant.id), cast.acme.actor("ada")
    async with opened(here) as db:
        engine = await engine_over(db, here)
        async with realtime_of(engine) as realtime:
            cursor = realtime.hub.cursor()
        draft = Draft(content="before", sender_id=cast.acme.id("ada"))
        await messages.send(engine, acme, conversation_id, draft)
    await move(here, there)
    async with opened(there) as db:
        engine = await engine_over(db, there)
        async with realtime_of(engine) as realtime:
            subscriber = await realtime.connect(PlainReader(alice), cursor)
            await messages.send(engine, acme, conversation_id, draft)
            seen = await received(subscriber, 2)
            assert [each for each in seen if each.startswith("message.created")] == [
                "message.created 3", "message.created 4",
            ]  # fmt: skip
            subscriber.leave()


async def test_the_log_of_a_database_that_is_opened_again_begins_a_new_epoch(
    places: Places,
) -> None:
    here, there = places.filled(), places.sqlite("there")

    async def epoch() -> str:
        async with opened(here) as db, realtime_of(await engine_over(db, here)) as realtime:
            cursor = parse(realtime.hub.cursor())
            assert cursor is not None
            return cursor.epoch

    before = await epoch()
    await move(here, there)
    assert (await moving.undo(here)).state == "moved"
    assert await epoch() != before


async def test_the_data_folder_is_copied(places: Places) -> None:
    here, there = places.filled(), places.sqlite("there", data="other")
    (places.folder / "data" / "files" / "interrupted.part").write_bytes(b"half")
    (places.folder / "data" / "erased.ndjson").write_text('{"id":1}\n{"id":2}\n')
    (places.folder / "other").mkdir()
    erased_there = places.folder / "other" / "erased.ndjson"
    erased_there.write_text('{"id":2}\n{"id":3}\n{"cut')
    made = await move(here, there)
    assert made.files == 2
    async with opened(there) as db:
        engine = await engine_over(db, there)
        (row,) = (await all_rows(there))["files"]
        key = row[tables.files.columns.keys().index("key")]
        found = await files.open_by_key(engine, key)
        assert b"".join([part async for part in found.part(0, found.file.size)]) == UPLOAD
    assert not list((places.folder / "other").rglob("*.part"))
    assert erased_there.read_text().split() == ['{"id":2}', '{"id":3}', '{"cut', '{"id":1}']
