"""People that a request names must exist, unless they were there before the change."""

import pytest
from msgspec import structs

from koine.engine import deliveries, offboarding, tenants
from koine.engine.contacts import inboxes
from koine.engine.contacts.inboxes import InboxChanges
from koine.engine.conversations import conversations, delivery_conversations
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.conversations.delivery_conversations import NewDeliveryConversation
from koine.engine.deliveries import DeliveryInput
from koine.engine.people import directory
from koine.engine.tenants import TenantChanges
from koine.model.conversation import Conversation, NewConversation
from koine.model.errors import Invalid, NotFound
from koine.model.identity import NewIdentity
from koine.store.conversations import participants
from koine.store.people import identities
from tests.cast import Cast


async def remove(cast: Cast, who: str) -> str:
    gone = cast.acme.people[who]
    await offboarding.remove(cast.engine, cast.acme.actor("ada"), gone.id, gone.kind)
    return gone.id


async def opened(cast: Cast, who: str = "dora", **more: object) -> tuple[Conversation, bool]:
    opening = NewDeliveryConversation(delivery_id=cast.acme.deliveries[0].id, **more)  # type: ignore[arg-type]  # a test's shorthand
    return await delivery_conversations.open_(cast.engine, cast.acme.actor(who), opening)


async def active(cast: Cast, conversation: Conversation) -> set[str]:
    db = cast.engine.db
    return set(await db.read(cast.acme.tenant.id, participants.active_ids, conversation.id))


@pytest.mark.parametrize(("gone", "stays"), [("dan", "cleo"), ("cleo", "dan")])
async def test_the_conversation_of_a_delivery_opens_without_its_removed_people(
    cast: Cast, gone: str, stays: str
) -> None:
    await remove(cast, gone)
    made, is_new = await opened(cast)
    assert is_new
    assert await active(cast, made) == {cast.acme.id(stays), cast.acme.id("dora")}
    assert made.participant_count == 2


@pytest.mark.parametrize("gone", ["dan", "cleo", "dora"])
async def test_an_existing_conversation_can_be_joined(cast: Cast, gone: str) -> None:
    first, _ = await opened(cast)
    await remove(cast, gone)
    again, is_new = await opened(cast, "ada")
    assert (again.id, is_new) == (first.id, False)
    assert cast.acme.id("ada") in await active(cast, first)


async def test_people_that_the_caller_names_must_exist(cast: Cast) -> None:
    gone = await remove(cast, "olaf")
    ada = cast.acme.actor("ada")
    with pytest.raises(Invalid, match=gone):
        await opened(cast, joining=((gone, "member"),))
    assert await opened(cast)
    with pytest.raises(Invalid, match=gone):
        await opened(cast, joining=((gone, "member"),))
    with pytest.raises(Invalid, match=gone):
        new = NewConversation(participants=((gone, "member"),))
        await conversations.create(cast.engine, ada, new)
    with pytest.raises(NotFound):
        await conversations.create(cast.engine, ada, NewConversation(owner_id=gone))


async def test_an_unchanged_delivery_may_name_a_removed_driver(cast: Cast) -> None:
    one, two, _ = cast.acme.deliveries
    gone = await remove(cast, "dan")
    dora = cast.acme.actor("dora")
    same = DeliveryInput(id=one.id, driver_id=gone, customer_id=one.customer_id)
    moved = DeliveryInput(id=two.id, driver_id=gone, status="delivered")
    saved = await deliveries.save(cast.engine, dora, [same, moved])
    assert [s.delivery.driver_id for s in saved] == [gone, gone]
    assert saved[1].delivery.status == "delivered"
    new = DeliveryInput(customer_id=one.customer_id, driver_id=gone)
    with pytest.raises(Invalid, match="no such user"):
        await deliveries.save(cast.engine, dora, [new])


async def test_an_assignee_who_is_there_already_is_no_change(cast: Cast) -> None:
    ada, olaf = cast.acme.actor("ada"), cast.acme.people["olaf"]
    conversation = await conversations.create(cast.engine, ada, NewConversation())
    assigned = ConversationChanges(assignee_id=olaf.id, priority="low")
    await conversations.change(cast.engine, ada, conversation.id, assigned)
    # As with users that were removed before offboarding existed: their conversations kept them.
    gone = structs.replace(olaf, removed_at=1)
    await cast.engine.db.write(cast.acme.tenant.id, identities.change, gone)
    back = ConversationChanges(assignee_id=olaf.id, priority="high")
    changed = await conversations.change(cast.engine, ada, conversation.id, back)
    assert (changed.priority, changed.assignee_id) == ("high", olaf.id)
    other = await conversations.create(cast.engine, ada, NewConversation())
    with pytest.raises(NotFound):
        await conversations.change(cast.engine, ada, other.id, assigned)


async def test_unchanged_settings_may_name_removed_people(cast: Cast) -> None:
    operator_actor = cast.acme.actor("ada")
    bot = await cast.engine.db.write(
        cast.acme.tenant.id,
        directory.insert_tx,
        cast.clock.now(),
        NewIdentity(kind="agent", name="Bot"),
    )
    inbox, both = cast.acme.inbox, [cast.acme.id("olaf"), cast.acme.id("dora")]
    await inboxes.change(cast.engine, operator_actor, inbox.id, InboxChanges(responder_id=bot.id))
    await tenants.change(cast.engine, operator_actor, TenantChanges(support_user_ids=both[:1]))
    await remove(cast, "olaf")
    await inboxes.change(
        cast.engine, operator_actor, inbox.id, InboxChanges(responder_id=bot.id, name="W")
    )
    await tenants.change(cast.engine, operator_actor, TenantChanges(support_user_ids=both))
    with pytest.raises(Invalid):
        gone = await remove(cast, "dan")
        await tenants.change(cast.engine, operator_actor, TenantChanges(support_user_ids=[gone]))
