"""The planner writes each delivery once, also with several nodes."""

import asyncio

from koine.engine.conversations import conversations
from koine.engine.webhooks import endpoint_changes
from koine.engine.webhooks.endpoint_changes import EndpointChanges
from koine.event_log import durable_follower
from koine.model.event import LoggedEvent
from koine.store.events import cursors, events
from koine.store.webhooks.endpoints import PLANNER_CURSOR
from koine.webhooks import WebhookService
from tests.webhooks.harness import WebhookHarness


async def last_position(harness: WebhookHarness) -> int:
    return (await harness.cast.engine.db.read("", events.log_snapshot)).last


async def test_several_nodes_at_once_plan_each_event_once(harness: WebhookHarness) -> None:
    made, conversation = await harness.create_endpoint(), await harness.create_conversation()
    engine = harness.cast.engine
    nodes = [WebhookService(engine).planner for _ in range(4)]
    for _ in range(5):
        await asyncio.gather(*(harness.send_message(conversation) for _ in range(20)))
        upto = await last_position(harness)
        await asyncio.gather(*(node.advance_until(upto) for node in nodes))
    log = await harness.log(made.endpoint)
    assert len(log) == len({row.event_id for row in log}) == 100


async def test_nothing_beyond_the_stable_position_is_planned(harness: WebhookHarness) -> None:
    made, conversation = await harness.create_endpoint(), await harness.create_conversation()
    await harness.send_message(conversation)
    upto = await last_position(harness)
    await harness.send_message(conversation)
    await WebhookService(harness.cast.engine).planner.advance_until(upto)
    assert [row.position <= upto for row in await harness.log(made.endpoint)] == [True]


async def test_a_long_log_is_planned_in_chunks(harness: WebhookHarness) -> None:
    made, conversation = await harness.create_endpoint(), await harness.create_conversation()
    count = durable_follower.CHUNK_EVENTS + 10
    await asyncio.gather(*(harness.send_message(conversation) for _ in range(count)))
    assert await harness.plan() == count
    assert await harness.plan() == 0
    del made


async def test_events_for_no_endpoint_do_not_move_the_cursor(harness: WebhookHarness) -> None:
    await harness.create_endpoint(kinds=("tenant.updated",))
    await harness.send_message(await harness.create_conversation())
    before = await harness.cast.engine.db.read("", cursors.get, PLANNER_CURSOR)
    assert await harness.plan() == 0
    assert await harness.cast.engine.db.read("", cursors.get, PLANNER_CURSOR) == before


async def test_an_endpoint_that_is_enabled_later_receives_only_later_events(
    harness: WebhookHarness,
) -> None:
    made, conversation = await harness.create_endpoint(), await harness.create_conversation()
    engine = harness.cast.engine
    await endpoint_changes.change(
        engine, harness.admin, made.endpoint.id, EndpointChanges(active=False)
    )
    await harness.send_message(conversation)
    await endpoint_changes.change(
        engine, harness.admin, made.endpoint.id, EndpointChanges(active=True)
    )
    await harness.send_message(conversation)
    assert await harness.plan() == 1


async def test_a_cursor_that_moved_by_reading_alone_loses_events(harness: WebhookHarness) -> None:
    """A planted fault: rows and cursor in two transactions, with a crash in between."""
    made, conversation = await harness.create_endpoint(), await harness.create_conversation()
    await harness.send_message(conversation)
    upto = await last_position(harness)
    await harness.cast.engine.db.write("", _move, upto)
    await harness.plan()
    assert await harness.log(made.endpoint) == []


async def _move(tx, position: int) -> None:  # type: ignore[no-untyped-def]  # any Tx
    await cursors.lock(tx, PLANNER_CURSOR)
    await cursors.save(tx, PLANNER_CURSOR, position)


async def test_the_id_of_a_delivery_is_derived_from_its_event(harness: WebhookHarness) -> None:
    made, conversation = await harness.create_endpoint(), await harness.create_conversation()
    await harness.send_message(conversation)
    await harness.plan()
    (row,) = await harness.log(made.endpoint)
    logged: LoggedEvent | None = await harness.cast.engine.db.read(
        harness.cast.acme.tenant.id, events.get_by_position, row.position
    )
    assert logged is not None and logged.id == row.event_id
    await conversations.delete(harness.cast.engine, harness.admin, conversation.id, None)
