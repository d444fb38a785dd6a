"""Contacts are found, created by concurrent requests, and merged with correct totals."""

import asyncio

from koine.engine.contacts import callers, contacts, inboxes, merge
from koine.engine.contacts.callers import ContactCaller
from koine.engine.contacts.inboxes import NewInbox
from koine.engine.contacts.rules import ContactInput
from koine.engine.conversations import conversations, messages
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.model.actor import Actor, operator
from koine.model.conversation import NewConversation
from koine.model.errors import NotFound
from koine.model.filters import ConversationFilter
from koine.model.inbox import Inbox
from koine.model.message import Draft
from koine.model.page import Window
from koine.store.conversations import lists, participants
from koine.store.people import identities
from tests.cast import Cast


async def entry(cast: Cast, name: str) -> ContactCaller:
    acme = cast.acme
    contact_inbox = acme.contact_inboxes[name]
    return await callers.resolve(cast.engine, acme.inbox.identifier, contact_inbox.source_id)


async def open_conversation(cast: Cast, name: str, *others: str) -> str:
    """A conversation of a contact, with participants and a message of the contact."""
    acme = cast.acme
    joining = tuple((acme.id(other), "member") for other in others)
    new = NewConversation(inbox_id=acme.inbox.id, owner_id=acme.id(name), participants=joining)  # type: ignore[arg-type]  # "member" is a role
    conversation = await conversations.create(cast.engine, acme.actor("alice"), new)
    draft = Draft(content="hi", sender_id=acme.id(name), sender_kind="contact")
    await messages.send(cast.engine, acme.actor(name), conversation.id, draft)
    return conversation.id


async def change(cast: Cast, at: ContactCaller, changes: ContactInput) -> ContactCaller:
    """Change the contact as its own client does."""
    actor = Actor(cast.acme.tenant.id, "contact", at.contact_at_inbox[1].id)
    return await contacts.change(cast.engine, actor, at, changes)


async def merge_contacts(cast: Cast) -> ContactCaller:
    """Merge Dave into Carol, as Alice."""
    acme = cast.acme
    await merge.merge(cast.engine, acme.actor("alice"), acme.id("carol"), acme.id("dave"))
    return await entry(cast, "dave")


async def totals(cast: Cast, f: ConversationFilter) -> tuple[int, int]:
    """The total from the counters, and the number of items in the list."""
    tenant, db = cast.acme.tenant.id, cast.engine.db
    kept = await db.read(tenant, lists.total, f)
    listed = await db.read(tenant, lists.find_page, f, Window(100))
    return kept, len(listed.items)


async def trusting_inbox(cast: Cast) -> Inbox:
    """An inbox that trusts the values of its clients."""
    new = NewInbox(name="Bridge", settings='{"contact_matching":"trusting"}')
    return await inboxes.create(cast.engine, operator(cast.acme.tenant.id), new)


async def test_concurrent_requests_create_one_contact(cast: Cast) -> None:
    at = await callers.resolve(cast.engine, (await trusting_inbox(cast)).identifier, None)
    for new in (
        ContactInput(identifier="same"),
        ContactInput(email="same@web.test"),
        ContactInput(source_id="same"),
    ):
        created = await asyncio.gather(*(contacts.create(cast.engine, at, new) for _ in range(8)))
        assert len({each.contact_at_inbox[1].id for each in created}) == 1


async def test_a_merge_moves_everything_and_every_total_stays_exact(cast: Cast) -> None:
    acme = cast.acme
    moved = await open_conversation(cast, "dave")
    both = await open_conversation(cast, "carol", "dave")
    after = await merge_contacts(cast)
    carol, dave = acme.id("carol"), acme.id("dave")
    assert after.contact_at_inbox[1].id == after.contact_at_inbox[0].contact_id == carol
    for who, wanted in ((carol, 2), (dave, 0)):
        for f in (
            ConversationFilter(owner_ids=(who,)),
            ConversationFilter(participant_id=who),
            ConversationFilter(participant_id=who, statuses=("open",)),
        ):
            assert await totals(cast, f) == (wanted, wanted)
    shown = await conversations.get(
        cast.engine, acme.actor("alice"), moved, frozenset({"messages", "participants"})
    )
    assert [m.sender_id for m in shown.related.messages[moved]] == [carol]
    assert shown.one.participant_count == len(shown.related.participants[moved]) == 1
    count = await conversations.get(
        cast.engine, acme.actor("alice"), both, frozenset({"participants"})
    )
    assert count.one.participant_count == len(count.related.participants[both]) == 1


async def test_a_former_participant_takes_part_again_if_the_merged_contact_did(cast: Cast) -> None:
    acme, db = cast.acme, cast.engine.db
    both = await open_conversation(cast, "dave", "carol")
    found = (await conversations.get(cast.engine, acme.actor("alice"), both)).one
    await db.write(acme.tenant.id, participants.leave, found, acme.id("carol"), 1)
    await merge_contacts(cast)
    assert await totals(cast, ConversationFilter(participant_id=acme.id("carol"))) == (1, 1)


async def test_the_merged_contact_is_removed_and_its_contact_inbox_leads_to_the_survivor(
    cast: Cast,
) -> None:
    await merge_contacts(cast)
    acme = cast.acme
    gone = await cast.engine.db.read(acme.tenant.id, identities.get, acme.id("dave"))
    assert gone is not None
    assert gone.removed_at is not None
    assert (await entry(cast, "dave")).contact_at_inbox[1].id == acme.id("carol")


async def test_the_survivor_keeps_its_values_and_gets_the_missing_ones(cast: Cast) -> None:
    for who, changes in (
        ("dave", PersonChanges(phone="+551199", custom_attributes='{"a":1,"b":1}')),
        ("carol", PersonChanges(custom_attributes='{"a":2}')),
    ):
        acme = cast.acme
        await directory.change(cast.engine, acme.actor("ada"), acme.id(who), "contact", changes)
    after = (await merge_contacts(cast)).contact_at_inbox[1]
    assert (after.name, after.phone) == ("Carol Contact", "+551199")
    assert after.custom_attributes == '{"a":2,"b":1}'


async def test_two_concurrent_merges_of_the_same_contacts(cast: Cast) -> None:
    at = await callers.resolve(cast.engine, (await trusting_inbox(cast)).identifier, None)
    one = await contacts.create(cast.engine, at, ContactInput(email="one@web.test"))
    two = await contacts.create(cast.engine, at, ContactInput(email="two@web.test"))
    done = await asyncio.gather(
        change(cast, one, ContactInput(email="two@web.test")),
        change(cast, two, ContactInput(email="one@web.test")),
        return_exceptions=True,
    )
    left = [each for each in done if isinstance(each, ContactCaller)]
    assert left
    assert all(isinstance(each, ContactCaller | NotFound) for each in done)
    contact_inboxes = [each.contact_at_inbox[0] for each in (one, two)]
    final = [
        await callers.resolve(cast.engine, one.inbox.identifier, contact_inbox.source_id)
        for contact_inbox in contact_inboxes
    ]
    assert final[0].contact_at_inbox[1].id == final[1].contact_at_inbox[1].id


async def test_a_contact_of_another_tenant_is_not_found(cast: Cast) -> None:
    new = ContactInput(email="carol@web.test")
    at = await callers.resolve(cast.engine, (await trusting_inbox(cast)).identifier, None)
    assert (await contacts.create(cast.engine, at, new)).contact_at_inbox[1].id == cast.acme.id(
        "carol"
    )


async def test_two_changes_with_the_same_session_are_both_stored(cast: Cast) -> None:
    at = await entry(cast, "carol")
    for bag in ({"a": 1}, {"b": 2}):
        await change(cast, at, ContactInput(custom_attributes=dict(bag)))
    shown = (await entry(cast, "carol")).public_contact
    assert shown.custom_attributes == '{"a":1,"b":2}'
