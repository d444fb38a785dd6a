"""What a run of retention deletes, what it leaves, and that a dry run counts exactly that."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from koine.engine import audit_log
from koine.engine.conversations import conversations, files, messages
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.maintenance import maintenance
from koine.engine.retention import dry_run, rules, runs, work
from koine.engine.retention.rules import InboxPeriodChanges, PeriodChanges
from koine.engine.retention.runs import counts_of
from koine.kit.json import json_text
from koine.model.actor import operator
from koine.model.conversation import Conversation, NewConversation, SenderKind, unread
from koine.model.errors import Conflict, Invalid, NotFound
from koine.model.filters import ConversationFilter, MessageFilter
from koine.model.message import Draft, Message
from koine.model.page import Window
from koine.model.retention import RetentionCounts, RetentionPeriods, RetentionRules
from koine.store.conversations import conversations as rows
from koine.store.conversations import participants
from koine.store.events import events
from koine.store.retention import rules as rule_rows
from koine.store.retention import runs as run_rows
from tests.cast import Cast

DAY = 24 * 3600
ALL = Window(limit=100)


class Bytes(io.BytesIO):
    """An upload."""

    name, content_type = "note.txt", "text/plain"

    async def read(self, size: int = -1) -> bytes:  # type: ignore[override]  # as uploads are read
        return super().read(size)


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path)}


async def opened(cast: Cast, **more: Any) -> Conversation:
    new = NewConversation(
        owner_id=cast.acme.id("carol"),
        participants=((cast.acme.id("carol"), "member"), (cast.acme.id("alice"), "member")),
        **more,
    )
    return await conversations.create(cast.engine, cast.acme.actor("ada"), new)


async def say(cast: Cast, at: Conversation, *texts: str, **more: Any) -> list[Message]:
    """Carol's messages, a second apart; a text of "(…)" is a private note of Alice."""
    sent = []
    for text in texts:
        cast.clock.advance(1)
        private = text.startswith("(")
        who, kind = ("alice", "user") if private else ("carol", "contact")
        sender_kind: SenderKind = "user" if kind == "user" else "contact"
        draft = Draft(
            content=text,
            sender_id=cast.acme.id(who),
            sender_kind=sender_kind,
            private=private,
            **more,
        )
        sent.append(await messages.send_unchecked(cast.engine, cast.acme.actor(who), at.id, draft))
    return sent


async def attach(cast: Cast, at: Conversation, text: str) -> tuple[Message, Path]:
    stored = await files.save(cast.engine, cast.acme.tenant.id, at.id, Bytes(text.encode()))
    (message,) = await say(cast, at, text, attachments=json_text([stored]))
    return message, Path(cast.engine.settings.data_dir) / files.relative_path(stored.key)


async def row(cast: Cast, at: Conversation) -> Conversation:
    found = await cast.engine.db.read(cast.acme.tenant.id, rows.get, at.id)
    assert found is not None
    return found


async def is_there(cast: Cast, at: Conversation) -> bool:
    return await cast.engine.db.read(cast.acme.tenant.id, rows.get, at.id) is not None


async def texts(cast: Cast, at: Conversation, window: Window = ALL, **f: Any) -> list[str | None]:
    wanted = MessageFilter(with_private=True, **f)
    page = await messages.find_page(cast.engine, cast.acme.actor("ada"), at.id, wanted, window)
    assert page.total == (await row(cast, at)).message_count
    return [m.content for m in page.items]


async def keep(cast: Cast, **days: Any) -> None:
    await rules.change(cast.engine, cast.acme.actor("ada"), PeriodChanges(**days))


async def run(cast: Cast) -> RetentionCounts:
    """Run the rules, after a dry run that must count the same and change nothing."""
    ada = cast.acme.actor("ada")
    counted = await dry_run.count(cast.engine, ada)
    assert await dry_run.count(cast.engine, ada) == counted
    done = counts_of(await runs.run(cast.engine, ada))
    assert done == counted
    return done


async def message_events(cast: Cast) -> Sequence[str]:
    tenant_id = cast.acme.tenant.id
    found = await cast.engine.db.read(tenant_id, events.of_tenant_after, 0, 1 << 62, 1000)
    return [e.subject_id for e in found if e.kind.startswith("message.")]


async def test_nothing_is_deleted_without_a_rule(cast: Cast) -> None:
    at = await opened(cast)
    await say(cast, at, "a", "b")
    cast.clock.advance(4000 * DAY)
    assert await run(cast) == RetentionCounts()
    assert await texts(cast, at) == ["b", "a"]


async def test_old_messages_go_and_totals_unread_counts_and_pages_stay_right(cast: Cast) -> None:
    at = await opened(cast)
    old = await say(cast, at, "1", "(2)", "3")
    cast.clock.advance(31 * DAY)
    await say(cast, at, "4", "(5)", "6", "7")
    await keep(cast, messages=30)
    assert await run(cast) == RetentionCounts(messages=3)
    after = await row(cast, at)
    assert (after.message_count, after.public_message_count) == (4, 3)
    assert (after.last_seq, after.last_content, after.previous_content) == (7, "7", "6")
    assert await texts(cast, at) == ["7", "6", "(5)", "4"]
    pages = [await texts(cast, at, Window(limit=3, offset=at_)) for at_ in (0, 3)]
    assert pages == [["7", "6", "(5)"], ["4"]]
    pages = [await texts(cast, at, Window(limit=3, offset=n), oldest_first=True) for n in (0, 3)]
    assert pages == [["4", "(5)", "6"], ["7"]]
    ada = cast.acme.actor("ada")
    alice = await cast.engine.db.read(
        cast.acme.tenant.id, participants.get, at.id, cast.acme.id("alice")
    )
    assert unread(after, alice, sees_private=True) == 2
    for gone in old:
        with pytest.raises(NotFound):
            await messages.get_by_seq(cast.engine, ada, at.id, gone.seq)
        with pytest.raises(NotFound):
            await messages.get_by_number(cast.engine, ada, at.id, gone.number)
    left = await messages.get_by_seq(cast.engine, ada, at.id, 4)
    assert (await messages.get_by_number(cast.engine, ada, at.id, left.number)).content == "4"
    assert len(await message_events(cast)) == 4


async def test_unread_counts_are_those_of_the_messages_that_are_left(cast: Cast) -> None:
    at = await opened(cast)
    await say(cast, at, "1", "2", "3")
    cast.clock.advance(31 * DAY)
    await say(cast, at, "4")
    dave = await cast.engine.db.read(
        cast.acme.tenant.id, participants.get, at.id, cast.acme.id("alice")
    )
    assert unread(await row(cast, at), dave, sees_private=False) == 4
    await keep(cast, messages=30)
    await run(cast)
    assert unread(await row(cast, at), dave, sees_private=False) == 1


async def test_a_conversation_without_messages_shows_none_and_goes_on(cast: Cast) -> None:
    at = await opened(cast)
    (first,) = await say(cast, at, "hello")
    cast.clock.advance(31 * DAY)
    await keep(cast, messages=30)
    assert await run(cast) == RetentionCounts(messages=1)
    after = await row(cast, at)
    assert (after.last_content, after.last_message_at, after.last_seq) == (None, None, 1)
    listed = await conversations.find_page(
        cast.engine, cast.acme.actor("ada"), ConversationFilter(search="hello"), ALL
    )
    assert [c.id for c in listed.items] == []
    with pytest.raises(Invalid):
        await say(cast, at, "a reply", parent_id=first.id)
    (again,) = await say(cast, at, "hello again")
    assert (again.seq, again.public_seq) == (2, 2)
    assert await texts(cast, at) == ["hello again"]
    moved = await messages.mark_read(cast.engine, cast.acme.actor("carol"), at.id)
    assert not moved, "the sender has read its own message"


async def test_files_go_with_their_messages_unless_another_message_has_them(cast: Cast) -> None:
    at = await opened(cast)
    _, lonely = await attach(cast, at, "lonely")
    shared_message, shared = await attach(cast, at, "shared")
    _, linked = await attach(cast, at, "linked")
    cast.clock.advance(31 * DAY)
    await say(cast, at, "again", attachments=shared_message.attachments)
    await say(cast, at, "link", content_url=f"https://example.com/files/{linked.name}")
    await keep(cast, messages=30)
    assert await run(cast) == RetentionCounts(messages=3, files=1, bytes=6)
    assert [path.exists() for path in (lonely, shared, linked)] == [False, True, True]


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


@pytest.mark.parametrize("days", [{"messages": 0}, {"audit": 29}, {"events": 1}, {"files": 99_999}])
async def test_a_period_that_is_too_short_or_long_is_refused(
    cast: Cast, days: dict[str, int]
) -> None:
    with pytest.raises(Invalid):
        await keep(cast, **days)


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
