"""What a run deletes of each kind, and what it leaves."""

import pytest
from msgspec import structs

from koine.engine import audit_log
from koine.engine.conversations import conversations
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.retention import dry_run, work
from koine.model.actor import operator
from koine.model.filters import ConversationFilter
from koine.model.retention import RetentionCounts
from koine.store.events import events
from tests.cast import Cast
from tests.engine.retention.old_conversations import (
    ALL,
    DAY,
    attach,
    is_there,
    keep,
    opened,
    run,
    say,
    texts,
)


async def test_nothing_is_deleted_without_a_rule(cast: Cast) -> None:
    at = await opened(cast)
    await say(cast, at, "a", "b")
    cast.clock.advance(4000 * DAY)
    assert await run(cast) == RetentionCounts()
    assert await texts(cast, at) == ["b", "a"]


async def test_closed_conversations_go_as_a_whole(cast: Cast) -> None:
    closed, busy, open_, removed = [await opened(cast) for _ in range(4)]
    for each in (closed, busy, open_, removed):
        await say(cast, each, "a", "(b)")
    _, stored = await attach(cast, closed, "file")
    ada = cast.acme.actor("ada")
    for each in (closed, busy):
        await conversations.change(cast.engine, ada, each.id, ConversationChanges(status="closed"))
    await conversations.remove(cast.engine, ada, removed.id)
    cast.clock.advance(31 * DAY)
    await say(cast, busy, "(a new note)")
    await keep(cast, conversations=30)
    done = await run(cast)
    assert done == RetentionCounts(messages=5, conversations=2, files=1, bytes=4)
    there = [await is_there(cast, each) for each in (closed, busy, open_, removed)]
    assert there == [False, True, True, False]
    assert not stored.exists()
    found = await conversations.find_page(cast.engine, ada, ConversationFilter(), ALL)
    assert found.total == 2
    tenant_id = cast.acme.tenant.id
    logged = await cast.engine.db.read(tenant_id, events.of_tenant_after, 0, 1 << 62, 1000)
    sent = {e.subject_id for e in logged if e.kind == "conversation.deleted"}
    assert sent == {closed.id, removed.id}


async def test_files_and_audit_entries_have_periods_of_their_own(cast: Cast) -> None:
    at = await opened(cast)
    _, old = await attach(cast, at, "old")
    cast.clock.advance(31 * DAY)
    _, new = await attach(cast, at, "new")
    await keep(cast, files=30, audit=30)
    done = await run(cast)
    assert (done.files, done.bytes, done.messages) == (1, 3, 0)
    assert done.audit_entries >= 1
    assert [path.exists() for path in (old, new)] == [False, True]
    assert await texts(cast, at) == ["new", "old"]
    page = await audit_log.find_page(
        cast.engine, cast.acme.actor("ada"), None, "run_retention", ALL
    )
    (entry,) = page.items
    assert '"files":1' in entry.detail


async def test_every_period_together_is_counted_once(cast: Cast) -> None:
    first, second = await opened(cast), await opened(cast)
    for each in (first, second):
        await attach(cast, each, "file")
        await say(cast, each, "a", "b")
    ada = cast.acme.actor("ada")
    await conversations.change(cast.engine, ada, first.id, ConversationChanges(status="closed"))
    cast.clock.advance(40 * DAY)
    await say(cast, second, "c")
    await keep(cast, messages=30, conversations=35, files=20)
    done = await run(cast)
    assert done == RetentionCounts(messages=6, conversations=1, files=2, bytes=8)


async def test_large_conversations_are_deleted_in_batches(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "BATCH_SIZE", 2)
    at, ended = await opened(cast), await opened(cast)
    for each in (at, ended):
        await say(cast, each, *"123456")
    _, stored = await attach(cast, at, "file")
    await say(cast, at, "8")
    ada = cast.acme.actor("ada")
    await conversations.change(cast.engine, ada, ended.id, ConversationChanges(status="closed"))
    cast.clock.advance(31 * DAY)
    await say(cast, at, "new")
    await keep(cast, messages=30, conversations=30)
    assert await run(cast) == RetentionCounts(messages=14, conversations=1, files=1, bytes=4)
    assert await texts(cast, at) == ["new"]
    assert not stored.exists()


async def test_the_twin_tenant_keeps_everything(cast: Cast) -> None:
    theirs = structs.replace(cast, acme=cast.rival, rival=cast.acme)
    at, other = await opened(cast), await opened(theirs)
    await say(cast, at, "a")
    await say(theirs, other, "a")
    cast.clock.advance(31 * DAY)
    await keep(cast, messages=30)
    assert await run(cast) == RetentionCounts(messages=1)
    assert await texts(theirs, other) == ["a"]
    assert await dry_run.count(cast.engine, operator(cast.rival.tenant.id)) == RetentionCounts()
