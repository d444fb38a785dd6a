"""A stream that is behind reads its own events, the same that the whole log has for it."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from koine.engine.auth.visibility import can_receive
from koine.engine.conversations import conversations
from koine.kit import metrics
from koine.model.actor import Actor
from koine.model.conversation import NewConversation
from koine.realtime.backlog import PAGE_EVENTS, Backlog, ReaderProgress
from koine.store.core.db import Database
from koine.store.events import events
from tests.cast import Cast, make_cast
from tests.realtime.plain_encoder import (
    PlainReader,
    create_conversation,
    realtime_of,
    received,
    send_message,
)
from tests.realtime.scenarios import STEPS, CompanyModel, Step

STORIES = st.lists(
    st.tuples(st.sampled_from(STEPS), st.integers(0, 63), st.integers(0, 63)),
    min_size=15,
    max_size=60,
)
READERS = ("dan", "cleo", "olaf", "carol", "dave", "ada")


async def received_ids(cast: Cast, actor: Actor, after: int, in_order_below: int) -> list[str]:
    """The ids of the events that a reader receives up to now, page by page."""
    backlog = Backlog(cast.engine)
    backlog.in_order_below = in_order_below
    upto = (await cast.engine.db.read("", events.log_snapshot)).last
    progress, ids = ReaderProgress(actor, after), []
    while progress.position < upto:
        page = await backlog.page(progress, upto)
        assert page is not None and page.upto > progress.position
        progress.position = page.upto
        ids += [h.event.id for h in page.contexts if can_receive(actor, h)]
    return ids


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STORIES)
async def test_own_events_are_those_of_the_whole_log(db: Database, steps: list[Step]) -> None:
    cast = await make_cast(db)
    story = CompanyModel(cast)
    before = (await db.read("", events.log_snapshot)).last
    await story.play(steps[: len(steps) // 2])
    between = (await db.read("", events.log_snapshot)).last
    await story.play(steps[len(steps) // 2 :])
    keys = [
        Actor(cast.acme.tenant.id, "key"),
        Actor(cast.acme.tenant.id, "key", cast.acme.id("dan")),
    ]
    for actor in [*map(cast.acme.actor, READERS), *keys]:
        for after in (before, between):
            whole = await received_ids(cast, actor, after, in_order_below=10**12)
            assert await received_ids(cast, actor, after, in_order_below=0) == whole
            assert len(set(whole)) == len(whole)


async def test_events_of_others_are_not_read(cast: Cast) -> None:
    mine, others = await create_conversation(cast, "dan"), await create_conversation(cast)
    start = (await cast.engine.db.read("", events.log_snapshot)).last
    await send_message(cast, mine, "first")
    for n in range(20):
        await asyncio.gather(*(send_message(cast, others, f"{n}") for _ in range(100)))
    await send_message(cast, mine, "last")
    before = looked_at()
    for name in ("dan", "carol"):
        found = await received_ids(cast, cast.acme.actor(name), start, in_order_below=50)
        assert len(found) == (2 if name == "dan" else 0)
    assert looked_at() - before <= 4
    await received_ids(cast, cast.acme.actor("ada"), start, in_order_below=50)
    assert looked_at() - before > 2_000  # a user of the tenant reads the log in order


async def test_own_events_come_page_by_page_in_order(cast: Cast) -> None:
    first, second = await create_conversation(cast, "dan"), await create_conversation(cast, "dan")
    async with realtime_of(cast.engine) as realtime:
        start = (await realtime.connect(PlainReader(cast.acme.actor("dan")), None)).cursor
        for n in range(PAGE_EVENTS):
            await send_message(cast, first, f"{n}")
            await send_message(cast, second, f"{n}")
        subscriber = await realtime.connect(PlainReader(cast.acme.actor("dan")), start)
        expected = [f"message.created {n // 2}" for n in range(2, 2 * PAGE_EVENTS + 2)]
        assert await received(subscriber, 2 * PAGE_EVENTS) == expected
        await send_message(cast, first, "now")
        assert await received(subscriber, 1) == [f"message.created {PAGE_EVENTS + 1}"]


async def test_a_contact_who_missed_too_much_gets_a_reset(db: Database) -> None:
    cast = await make_cast(db, contact_catch_up_events=60)
    conversation = await conversations.create(
        cast.engine, cast.acme.actor("ada"), NewConversation(owner_id=cast.acme.id("carol"))
    )
    async with realtime_of(cast.engine) as realtime:
        carol = PlainReader(cast.acme.actor("carol"))
        start = (await realtime.connect(carol, None)).cursor
        for n in range(60):
            await send_message(cast, conversation, f"{n}")
        subscriber = await realtime.connect(carol, start)
        assert len(await received(subscriber, 60)) == 60
        await send_message(cast, conversation, "one too many")
        await received(subscriber, 1)
        late = await realtime.connect(carol, start)
        assert (await late.read(5)).reset == "too_old"
        await send_message(cast, conversation, "from now on")
        assert await received(late, 1) == ["message.created 62"]


def looked_at() -> float:
    """Events looked at so far, in order or not."""
    return sum(float(metrics.EVENTS_CAUGHT_UP.labels(how)._value.get()) for how in ("log", "own"))
