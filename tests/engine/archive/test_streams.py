"""Streams of an imported tenant: a cursor from before the import is answered with a reset."""

from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from koine.dialects.inbox import InboxDialect
from koine.dialects.native import NativeDialect
from koine.engine.conversations import messages
from koine.model.actor import Actor, operator
from koine.model.cursor import Cursor, parse
from koine.model.message import Draft
from koine.store.core.db import Database
from koine.store.events import event_log_state
from tests.cast import Cast
from tests.dialects.inbox.cable_client import CableClient, identifier
from tests.dialects.native.sse_client import follow_stream
from tests.engine.archive.archived import fill, move, other_server
from tests.realtime.plain_encoder import PlainReader, realtime_of
from tests.support.live_server import live


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


@pytest.mark.parametrize("same_epoch", [False, True], ids=["another server", "the same epoch"])
async def test_streams_of_two_dialects_begin_with_a_reset_and_go_on(
    cast: Cast, empty_db: Database, tmp_path: Path, same_epoch: bool
) -> None:
    conversation_id = await fill(cast)
    async with realtime_of(cast.engine) as realtime:
        before = realtime.hub.cursor()
    there = await other_server(empty_db, tmp_path / "there")
    key = {"Authorization": f"Bearer {cast.acme.key}"}
    async with live(there, NativeDialect(), InboxDialect()) as server:
        # The import is noticed by a server that is running.
        await move(cast, there, tmp_path / "a.koine")
        if same_epoch:
            now = parse(server.realtime.hub.cursor())
            assert now is not None
            before = str(Cursor(now.epoch, 1))
        reason = "too_old" if same_epoch else "epoch"
        carol = identifier(cast.acme.contact_inboxes["carol"], last_event_id=before)
        async with (
            follow_stream(server.url, key, before) as native,
            connect(f"{server.ws}/cable") as socket,
        ):
            (*_, reset) = await native.until("reset")
            assert reset.data["reason"] == reason
            cable = CableClient(socket)
            await cable.subscribe(carol)
            assert (await cable.event("reset"))["data"]["reason"] == reason
            draft = Draft(content="on", sender_id=cast.acme.id("ada"))
            await messages.send(there, operator(cast.acme.tenant.id), conversation_id, draft)
            (*_, created) = await native.until("message.created")
            assert created.data["seq"] == 3
            assert (await cable.event("message.created"))["data"]["content"] == "on"
