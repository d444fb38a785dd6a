"""The periods of a tenant and of its inboxes."""

import pytest

from koine.engine.retention import rules
from koine.engine.retention.rules import InboxPeriodChanges
from koine.model.errors import Invalid
from koine.model.retention import RetentionCounts, RetentionRules
from tests.cast import Cast
from tests.engine.retention.old_conversations import DAY, keep, opened, run, say, texts


async def test_an_inbox_has_its_own_periods(cast: Cast) -> None:
    inbox_id = cast.acme.inbox.id
    here, elsewhere = await opened(cast, inbox_id=inbox_id), await opened(cast)
    for each in (here, elsewhere):
        await say(cast, each, "old")
    ada = cast.acme.actor("ada")
    cast.clock.advance(31 * DAY)
    await keep(cast, messages=30)
    forever = InboxPeriodChanges(messages=0)
    await rules.change_inbox(cast.engine, ada, inbox_id, forever)
    assert await run(cast) == RetentionCounts(messages=1)
    assert [await texts(cast, each) for each in (here, elsewhere)] == [["old"], []]
    await keep(cast, messages=None)
    await rules.change_inbox(cast.engine, ada, inbox_id, InboxPeriodChanges(messages=10))
    await say(cast, elsewhere, "kept")
    cast.clock.advance(11 * DAY)
    assert await run(cast) == RetentionCounts(messages=1)
    assert [await texts(cast, each) for each in (here, elsewhere)] == [[], ["kept"]]
    await rules.change_inbox(cast.engine, ada, inbox_id, InboxPeriodChanges(messages=None))
    assert (await rules.get(cast.engine, ada)).rules == RetentionRules()


@pytest.mark.parametrize("days", [{"messages": 0}, {"audit": 29}, {"events": 1}, {"files": 99_999}])
async def test_a_period_that_is_too_short_or_long_is_refused(
    cast: Cast, days: dict[str, int]
) -> None:
    with pytest.raises(Invalid):
        await keep(cast, **days)
