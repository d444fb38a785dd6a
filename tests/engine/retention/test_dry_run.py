"""A dry run counts what a run would delete. That it counts exactly that, `run` of
`old_conversations` compares in each test of a run."""

from collections.abc import AsyncIterator

import pytest

from koine.engine.conversations import conversations
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.retention import dry_run, holds, runs
from koine.engine.retention.dry_run import DryRun
from koine.model.errors import Forbidden
from koine.model.retention import RetentionCounts
from tests.cast import Cast
from tests.engine.retention.old_conversations import DAY, attach, keep, opened, run, say


@pytest.fixture
async def due(cast: Cast) -> AsyncIterator[None]:
    """Data of several kinds that is too old. Afterwards it is no more, as other tests on this
    database run the rules of all tenants."""
    ada = cast.acme.actor("ada")
    at, closed = await opened(cast), await opened(cast)
    await attach(cast, at, "file")
    await say(cast, closed, "a", "b")
    await conversations.change(cast.engine, ada, closed.id, ConversationChanges(status="closed"))
    cast.clock.advance(40 * DAY)
    days = {"messages": 30, "conversations": 30, "files": 20, "audit": 30}
    await keep(cast, **days)
    yield
    await keep(cast, **dict.fromkeys(days))


async def test_with_enough_time_all_is_counted(cast: Cast, due: None) -> None:
    counted = await dry_run.count_some(cast.engine, cast.acme.actor("ada"))
    assert counted == DryRun(await run(cast), complete=True)
    assert (counted.counts.messages, counted.counts.conversations, counted.counts.files) == (
        3,
        1,
        1,
    )


async def test_what_was_counted_when_the_time_is_over_is_returned(cast: Cast, due: None) -> None:
    ada = cast.acme.actor("ada")
    assert await dry_run.count_some(cast.engine, ada, 0) == DryRun(RetentionCounts(), False)
    assert cast.engine.search_slots.held == 0


async def test_nothing_is_counted_of_a_tenant_that_is_held(cast: Cast, due: None) -> None:
    ada = cast.acme.actor("ada")
    await holds.place(cast.engine, ada, "tenant", cast.acme.tenant.id, "case 4711")
    assert await dry_run.count_some(cast.engine, ada) == DryRun(RetentionCounts(), True)


async def test_only_who_manages_the_tenant_counts_and_runs(cast: Cast) -> None:
    alice = cast.acme.actor("alice")
    for attempt in (dry_run.count, dry_run.count_some, runs.run):
        with pytest.raises(Forbidden):
            await attempt(cast.engine, alice)
