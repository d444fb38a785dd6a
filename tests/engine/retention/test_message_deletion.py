"""Old messages go with what belongs to them alone; totals, unread counts and pages stay right."""

import pytest

from koine.engine.conversations import conversations, messages
from koine.model.conversation import unread
from koine.model.errors import Invalid, NotFound
from koine.model.filters import ConversationFilter
from koine.model.page import Window
from koine.model.retention import RetentionCounts
from koine.store.conversations import participants
from tests.cast import Cast
from tests.engine.retention.old_conversations import (
    ALL,
    DAY,
    attach,
    keep,
    message_events,
    opened,
    row,
    run,
    say,
    texts,
)


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
