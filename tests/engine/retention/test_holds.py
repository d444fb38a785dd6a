"""A legal hold keeps what it is about from runs and from deletions by hand."""

import pytest

from koine.engine import tenant_suspension
from koine.engine.contacts import merge
from koine.engine.conversations import conversations, messages, participants
from koine.engine.people import directory
from koine.engine.personal_data import erasure
from koine.engine.retention import dry_run, holds, rules, runs
from koine.engine.retention.rules import PeriodChanges
from koine.engine.retention.runs import counts_of
from koine.kit.ids import new_id
from koine.model.actor import operator
from koine.model.conversation import Conversation, NewConversation
from koine.model.errors import Conflict, Forbidden, Invalid, NotFound
from koine.model.identity import NewIdentity
from koine.model.message import Draft
from koine.model.retention import HoldKind, RetentionCounts
from tests.cast import Cast
from tests.engine.retention.old_conversations import DAY, run


async def opened(cast: Cast, owner: str | None = "carol", *others: str) -> Conversation:
    """An old conversation with one message."""
    new = NewConversation(
        owner_id=cast.acme.id(owner) if owner else None,
        participants=tuple((cast.acme.id(who), "member") for who in others),
    )
    at = await conversations.create(cast.engine, cast.acme.actor("ada"), new)
    draft = Draft(content="old", sender_id=cast.acme.id("ada"))
    await messages.send_unchecked(cast.engine, cast.acme.actor("ada"), at.id, draft)
    return at


async def hold(cast: Cast, kind: HoldKind, subject_id: str) -> None:
    await holds.place(cast.engine, cast.acme.actor("ada"), kind, subject_id, "case 4711")


async def deleted(cast: Cast) -> int:
    """How many messages a run deletes."""
    return (await run(cast)).messages


@pytest.mark.parametrize("kind", ["conversation", "contact", "user"])
async def test_a_hold_keeps_the_messages_until_it_is_released(cast: Cast, kind: HoldKind) -> None:
    held, ada = await opened(cast, "carol", "dan"), cast.acme.actor("ada")
    await opened(cast, "dave")
    # One who has left took part.
    await participants.remove(cast.engine, ada, held.id, [cast.acme.id("dan")])
    subject = {"conversation": held.id, "contact": cast.acme.id("carol")}
    subject_id = subject.get(kind, cast.acme.id("dan"))
    await rules.change(cast.engine, ada, PeriodChanges(messages=30))
    cast.clock.advance(31 * DAY)
    await hold(cast, kind, subject_id)
    assert await deleted(cast) == 1
    await holds.release(cast.engine, ada, subject_id)
    assert await deleted(cast) == 1


async def test_a_hold_of_the_tenant_keeps_everything(cast: Cast) -> None:
    await opened(cast)
    ada, tenant_id = cast.acme.actor("ada"), cast.acme.tenant.id
    await rules.change(cast.engine, ada, PeriodChanges(messages=30, audit=30))
    cast.clock.advance(31 * DAY)
    await hold(cast, "tenant", tenant_id)
    assert await dry_run.count(cast.engine, ada) == RetentionCounts()
    with pytest.raises(Conflict):
        await runs.run(cast.engine, ada)
    assert await runs.run_due(cast.engine, 10) == RetentionCounts()
    await holds.release(cast.engine, ada, tenant_id)
    assert await deleted(cast) == 1


async def test_a_hold_of_a_conversation_keeps_its_messages_but_not_its_events(cast: Cast) -> None:
    held, ada = await opened(cast), cast.acme.actor("ada")
    days = cast.engine.settings.event_keep_days
    await hold(cast, "conversation", held.id)
    await rules.change(cast.engine, ada, PeriodChanges(messages=days, events=days))
    cast.clock.advance((days + 1) * DAY)
    done = counts_of(await runs.run(cast.engine, ada))
    assert done.messages == 0 and done.events > 0


async def test_what_is_held_is_not_deleted_by_hand(cast: Cast) -> None:
    at, ada = await opened(cast, "carol", "dan"), cast.acme.actor("ada")
    admin = operator(cast.acme.tenant.id)
    await hold(cast, "conversation", at.id)
    with pytest.raises(Conflict):
        await conversations.delete(cast.engine, ada, at.id, "asked")
    for who in ("carol", "dan"):
        with pytest.raises(Conflict):
            await erasure.erase(cast.engine, ada, cast.acme.id(who))
    with pytest.raises(Conflict):
        await tenant_suspension.schedule_deletion(cast.engine, admin, 0)
    await erasure.erase(cast.engine, ada, cast.acme.id("dave"))
    await holds.release(cast.engine, ada, at.id)
    await conversations.delete(cast.engine, ada, at.id, "asked")
    await tenant_suspension.schedule_deletion(cast.engine, admin, DAY * 1_000_000)


async def test_a_hold_goes_with_a_contact_that_is_merged(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    first, second = [
        await directory.create(cast.engine, ada, NewIdentity(kind="contact", name=name))
        for name in ("First", "Second")
    ]
    await hold(cast, "contact", second.id)
    await merge.merge(cast.engine, ada, first.id, second.id)
    held = [each.subject_id for each in await holds.list_all(cast.engine, ada)]
    assert sorted(held) == sorted([first.id, second.id])


async def test_a_hold_needs_a_subject_a_reason_and_a_manager(cast: Cast) -> None:
    ada, carol = cast.acme.actor("ada"), cast.acme.id("carol")
    with pytest.raises(NotFound):
        await hold(cast, "contact", new_id())
    with pytest.raises(NotFound):
        await hold(cast, "user", carol)
    with pytest.raises(NotFound):
        await hold(cast, "tenant", cast.rival.tenant.id)
    with pytest.raises(Invalid):
        await holds.place(cast.engine, ada, "contact", carol, " ")
    with pytest.raises(Forbidden):
        await holds.place(cast.engine, cast.acme.actor("alice"), "contact", carol, "x")
    await hold(cast, "contact", carol)
    again = await holds.place(cast.engine, ada, "contact", carol, "another reason")
    assert [each.reason for each in await holds.list_all(cast.engine, ada)] == [again.reason]
    with pytest.raises(NotFound):
        await holds.release(cast.engine, cast.rival.actor("ada"), carol)
