"""From the log to the rows: none left out, none doubled, whoever does it."""

import asyncio

from koine.engine.conversations import conversations
from koine.engine.webhooks import endpoint_changes
from koine.engine.webhooks.endpoint_changes import EndpointChanges
from koine.event_log import durable_follower
from koine.model.event import LoggedEvent
from koine.store.events import cursors, events
from koine.store.webhooks.endpoints import PLANNER_CURSOR
from koine.webhooks import WebhookWorker
from tests.webhooks.harness import WebhookHarness


async def settled(told: WebhookHarness) -> int:
    return (await told.cast.engine.db.read("", events.log_snapshot)).last


async def test_several_nodes_at_once_derive_each_event_once(told: WebhookHarness) -> None:
    made, talk = await told.hook(), await told.talk()
    engine = told.cast.engine
    nodes = [WebhookWorker(engine).planner for _ in range(4)]
    for _ in range(5):
        await asyncio.gather(*(told.say(talk) for _ in range(20)))
        upto = await settled(told)
        await asyncio.gather(*(node.advance_until(upto) for node in nodes))
    log = await told.log(made.endpoint)
    assert len(log) == len({row.event_id for row in log}) == 100


async def test_nothing_beyond_the_settled_position_is_derived(told: WebhookHarness) -> None:
    made, talk = await told.hook(), await told.talk()
    await told.say(talk)
    upto = await settled(told)
    await told.say(talk)
    await WebhookWorker(told.cast.engine).planner.advance_until(upto)
    assert [row.position <= upto for row in await told.log(made.endpoint)] == [True]


async def test_a_long_log_is_gone_through_in_pieces(told: WebhookHarness) -> None:
    made, talk = await told.hook(), await told.talk()
    count = durable_follower.CHUNK_EVENTS + 10
    await asyncio.gather(*(told.say(talk) for _ in range(count)))
    assert await told.derive() == count
    assert await told.derive() == 0
    del made


async def test_what_is_for_nobody_moves_no_cursor(told: WebhookHarness) -> None:
    await told.hook(kinds=("tenant.updated",))
    await told.say(await told.talk())
    before = await told.cast.engine.db.read("", cursors.read, PLANNER_CURSOR)
    assert await told.derive() == 0
    assert await told.cast.engine.db.read("", cursors.read, PLANNER_CURSOR) == before


async def test_an_endpoint_switched_on_late_begins_there(told: WebhookHarness) -> None:
    made, talk = await told.hook(), await told.talk()
    engine = told.cast.engine
    await endpoint_changes.change(
        engine, told.boss, made.endpoint.id, EndpointChanges(active=False)
    )
    await told.say(talk)
    await endpoint_changes.change(engine, told.boss, made.endpoint.id, EndpointChanges(active=True))
    await told.say(talk)
    assert await told.derive() == 1


async def test_a_cursor_that_moved_by_reading_alone_loses_events(told: WebhookHarness) -> None:
    """The planted bug: rows and cursor in two transactions, and a death in between."""
    made, talk = await told.hook(), await told.talk()
    await told.say(talk)
    upto = await settled(told)
    await told.cast.engine.db.write("", _move, upto)
    await told.derive()
    assert await told.log(made.endpoint) == []


async def _move(tx, position: int) -> None:  # type: ignore[no-untyped-def]  # any Tx
    await cursors.lock(tx, PLANNER_CURSOR)
    await cursors.save(tx, PLANNER_CURSOR, position)


async def test_an_id_is_the_events_own(told: WebhookHarness) -> None:
    made, talk = await told.hook(), await told.talk()
    await told.say(talk)
    await told.derive()
    (row,) = await told.log(made.endpoint)
    logged: LoggedEvent | None = await told.cast.engine.db.read(
        told.cast.acme.tenant.id, events.at, row.position
    )
    assert logged is not None and logged.id == row.event_id
    await conversations.delete(told.cast.engine, told.boss, talk.id, None)
