"""From the log to the rows: none left out, none doubled, whoever does it."""

import asyncio

from koine.engine.conversations import conversations
from koine.engine.webhooks import endpoint_changes
from koine.engine.webhooks.endpoint_changes import EndpointChanges
from koine.model.event import LoggedEvent
from koine.store.events import events
from koine.store.webhooks import endpoints as rows
from koine.webhooks import planner
from koine.webhooks.planner import DeliveryPlanner
from tests.webhooks.harness import WebhookHarness


async def settled(told: WebhookHarness) -> int:
    return (await told.cast.engine.db.read("", events.log_snapshot)).last


async def test_several_nodes_at_once_derive_each_event_once(told: WebhookHarness) -> None:
    made, talk = await told.hook(), await told.talk()
    engine = told.cast.engine
    nodes = [DeliveryPlanner(engine) for _ in range(4)]
    for _ in range(5):
        await asyncio.gather(*(told.say(talk) for _ in range(20)))
        upto = await settled(told)
        await asyncio.gather(*(node.plan_until(upto, engine.clock.now()) for node in nodes))
    log = await told.log(made.endpoint)
    assert len(log) == len({row.event_id for row in log}) == 100


async def test_nothing_beyond_the_settled_position_is_derived(told: WebhookHarness) -> None:
    made, talk = await told.hook(), await told.talk()
    await told.say(talk)
    upto = await settled(told)
    await told.say(talk)
    await DeliveryPlanner(told.cast.engine).plan_until(upto, 0)
    assert [row.position <= upto for row in await told.log(made.endpoint)] == [True]


async def test_a_long_log_is_gone_through_in_pieces(told: WebhookHarness) -> None:
    made, talk = await told.hook(), await told.talk()
    count = planner.CHUNK + 10
    await asyncio.gather(*(told.say(talk) for _ in range(count)))
    assert await told.derive() == count
    assert await told.derive() == 0
    del made


async def test_what_is_for_nobody_moves_no_cursor(told: WebhookHarness) -> None:
    await told.hook(kinds=("tenant.updated",))
    await told.say(await told.talk())
    before = await told.cast.engine.db.read("", rows.cursor)
    assert await told.derive() == 0
    assert await told.cast.engine.db.read("", rows.cursor) == before


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
    await rows.cursor(tx, lock=True)
    await rows.move_cursor(tx, position)


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
