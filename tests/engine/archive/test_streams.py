"""Streams of an imported tenant: a cursor from before the import is answered with a reset."""

from pathlib import Path

import pytest

from koine.model.actor import Actor
from koine.model.cursor import Cursor, parse
from koine.store.core.db import Database
from koine.store.events import event_log_state
from tests.cast import Cast
from tests.engine.archive.archived import fill, move, other_server
from tests.realtime.plain_encoder import PlainReader, realtime_of


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path / "here")}


@pytest.mark.parametrize("who", ["ada", "carol"])
async def test_a_cursor_from_before_the_import_is_reset(
    cast: Cast, empty_db: Database, tmp_path: Path, who: str
) -> None:
    await fill(cast)
    there = await other_server(empty_db, tmp_path / "there")
    # The same server may have had the tenant before, with the same epoch.
    await empty_db.write("", event_log_state.epoch, await empty_db.timeline_id())
    await move(cast, there, tmp_path / "a.koine")
    actor: Actor = cast.acme.actor(who)
    async with realtime_of(there) as realtime:
        now = parse(realtime.hub.cursor())
        assert now is not None
        for position, is_reset in ((now.position, False), (now.position - 1, True), (1, True)):
            reader = PlainReader(actor)
            subscriber = await realtime.connect(reader, str(Cursor(now.epoch, position)))
            batch = await subscriber.read(0.2)
            assert (batch.reset is not None) == is_reset, position
            subscriber.leave()
