"""Runs that are interrupted, fail, or have no time left; and those of maintenance."""

import pytest
from msgspec import structs

from koine.engine.maintenance import maintenance
from koine.engine.retention import runs, work
from koine.engine.retention.runs import counts_of
from koine.model.errors import Conflict
from koine.model.retention import RetentionCounts, RetentionPeriods
from koine.store.retention import rules as rule_rows
from koine.store.retention import runs as run_rows
from tests.cast import Cast
from tests.engine.retention.old_conversations import DAY, keep, opened, say


class Interrupted(Exception):
    """What ends a run in the middle."""


async def test_an_interrupted_run_is_continued_and_counts_once(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "BATCH_SIZE", 2)
    for _ in range(3):
        await say(cast, await opened(cast), "a", "b")
    cast.clock.advance(31 * DAY)
    await keep(cast, messages=30)
    ada = cast.acme.actor("ada")

    def interrupt(deleted: RetentionCounts) -> None:
        if deleted.messages == 4:
            raise Interrupted

    with pytest.raises(Interrupted):
        await runs.run(cast.engine, ada, interrupt)
    with pytest.raises(Conflict):
        await runs.run(cast.engine, ada)
    cast.clock.advance(runs.LEASE // 1_000_000 + 1)
    done = await runs.run(cast.engine, ada)
    assert counts_of(done) == RetentionCounts(messages=6)


async def test_maintenance_runs_the_rules_once_a_day(cast: Cast) -> None:
    at = await opened(cast)
    await say(cast, at, "old")
    cast.clock.advance(31 * DAY)
    await keep(cast, messages=30)
    done = await maintenance.run_once(cast.engine)
    assert done is not None
    assert done.expired == RetentionCounts(messages=1)
    await say(cast, at, "newer")
    await keep(cast, messages=1)
    cast.clock.advance(DAY - 60)
    assert await runs.run_due(cast.engine, 10) == RetentionCounts()
    cast.clock.advance(3 * DAY)
    assert await runs.run_due(cast.engine, 10) == RetentionCounts(messages=1)


async def test_a_run_that_fails_is_only_its_tenants(cast: Cast) -> None:
    theirs = structs.replace(cast, acme=cast.rival, rival=cast.acme)
    for each in (cast, theirs):
        at = await opened(each)
        await say(each, at, "old")
        await keep(each, messages=30)
    cast.clock.advance(31 * DAY)
    tenant_id = min(cast.acme.tenant.id, cast.rival.tenant.id)
    broken = RetentionPeriods(files=2**52)
    await cast.engine.db.write(tenant_id, rule_rows.save, tenant_id, broken)
    assert await runs.run_due(cast.engine, 10) == RetentionCounts(messages=1)


async def test_a_run_that_has_no_time_left_is_continued(cast: Cast) -> None:
    at = await opened(cast)
    await say(cast, at, "old")
    cast.clock.advance(31 * DAY)
    await keep(cast, messages=30)
    assert await runs.run_due(cast.engine, 0) == RetentionCounts()
    unfinished = await cast.engine.db.read(cast.acme.tenant.id, run_rows.get)
    assert unfinished is not None
    assert unfinished.finished_at is None
    cast.clock.advance(runs.LEASE // 1_000_000 + 1)
    assert await runs.run_due(cast.engine, 10) == RetentionCounts(messages=1)
