"""Who is behind is given what the whole log holds for it, at a cost of its own events alone."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from koine.engine.auth.visibility import can_receive
from koine.engine.conversations import conversations
from koine.kit import metrics
from koine.model.actor import Actor
from koine.model.conversation import NewConversation
from koine.realtime.backlog import PAGE_EVENTS, Backlog, ReadPosition
from koine.store.core.db import Database
from koine.store.events import events
from tests.cast import Cast, make_cast
from tests.realtime.plain_encoder import PlainReader, opened, realtime_of, received, say
from tests.realtime.scenarios import STEPS, Step, Story

STORIES = st.lists(
    st.tuples(st.sampled_from(STEPS), st.integers(0, 63), st.integers(0, 63)),
    min_size=15,
    max_size=60,
)
READERS = ("dan", "cleo", "olaf", "carol", "dave", "ada")


async def told(cast: Cast, actor: Actor, after: int, few: int) -> list[str]:
    """The events a reader is told up to now, by the pages it is given."""
    backlog = Backlog(cast.engine)
    backlog.in_order_below = few
    upto = (await cast.engine.db.read("", events.log_snapshot)).last
    place, ids = ReadPosition(actor, after), []
    while place.position < upto:
        page = await backlog.page(place, upto)
        assert page is not None and page.upto > place.position
        place.position = page.upto
        ids += [h.event.id for h in page.contexts if can_receive(actor, h)]
    return ids


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STORIES)
async def test_what_is_found_is_what_the_whole_log_holds(db: Database, steps: list[Step]) -> None:
    cast = await make_cast(db)
    story = Story(cast)
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
            whole = await told(cast, actor, after, few=10**12)
            assert await told(cast, actor, after, few=0) == whole
            assert len(set(whole)) == len(whole)


async def test_events_of_others_are_not_looked_at(cast: Cast) -> None:
    mine, others = await opened(cast, "dan"), await opened(cast)
    start = (await cast.engine.db.read("", events.log_snapshot)).last
    await say(cast, mine, "first")
    for n in range(20):
        await asyncio.gather(*(say(cast, others, f"{n}") for _ in range(100)))
    await say(cast, mine, "last")
    before = looked_at()
    for name in ("dan", "carol"):
        found = await told(cast, cast.acme.actor(name), start, few=50)
        assert len(found) == (2 if name == "dan" else 0)
    assert looked_at() - before <= 4
    await told(cast, cast.acme.actor("ada"), start, few=50)
    assert looked_at() - before > 2_000  # an insider is told all of it


async def test_what_is_own_comes_page_by_page_in_order(cast: Cast) -> None:
    first, second = await opened(cast, "dan"), await opened(cast, "dan")
    async with realtime_of(cast.engine) as relay:
        start = (await relay.connect(PlainReader(cast.acme.actor("dan")), None)).cursor
        for n in range(PAGE_EVENTS):
            await say(cast, first, f"{n}")
            await say(cast, second, f"{n}")
        seat = await relay.connect(PlainReader(cast.acme.actor("dan")), start)
        expected = [f"message.created {n // 2}" for n in range(2, 2 * PAGE_EVENTS + 2)]
        assert await received(seat, 2 * PAGE_EVENTS) == expected
        await say(cast, first, "now")
        assert await received(seat, 1) == [f"message.created {PAGE_EVENTS + 1}"]


async def test_a_contact_who_missed_too_much_begins_anew(db: Database) -> None:
    cast = await make_cast(db, contact_catch_up_events=60)
    talk = await conversations.create(
        cast.engine, cast.acme.actor("ada"), NewConversation(owner_id=cast.acme.id("carol"))
    )
    async with realtime_of(cast.engine) as relay:
        carol = PlainReader(cast.acme.actor("carol"))
        start = (await relay.connect(carol, None)).cursor
        for n in range(60):
            await say(cast, talk, f"{n}")
        seat = await relay.connect(carol, start)
        assert len(await received(seat, 60)) == 60
        await say(cast, talk, "one too many")
        await received(seat, 1)
        late = await relay.connect(carol, start)
        assert (await late.read(5)).reset == "too_old"
        await say(cast, talk, "from now on")
        assert await received(late, 1) == ["message.created 62"]


def looked_at() -> float:
    """Events looked at so far, in order or not."""
    return sum(float(metrics.EVENTS_CAUGHT_UP.labels(how)._value.get()) for how in ("log", "own"))
