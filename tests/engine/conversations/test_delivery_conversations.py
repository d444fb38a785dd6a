"""One conversation per delivery, also in a race; the dialect's tests have the rules of the API."""

import asyncio

import pytest

from koine.engine import deliveries
from koine.engine.conversations import conversations, delivery_conversations
from koine.engine.conversations.delivery_conversations import NewDeliveryConversation
from koine.engine.deliveries import DeliveryInput
from koine.model.conversation import Conversation
from koine.model.errors import Invalid, NotFound
from koine.model.filters import ConversationFilter
from koine.model.page import page_window
from koine.store.conversations import participants
from tests.cast import Cast


async def open_(cast: Cast, who: str, n: int | None = 0) -> tuple[Conversation, bool]:
    delivery_id = None if n is None else cast.acme.deliveries[n].id
    actor = cast.acme.actor(who)
    return await delivery_conversations.open_(
        cast.engine, actor, NewDeliveryConversation(delivery_id=delivery_id)
    )


async def test_of_32_concurrent_callers_one_creates_the_conversation(cast: Cast) -> None:
    opened = await asyncio.gather(*(open_(cast, ("dan", "ada")[n % 2]) for n in range(32)))
    assert [is_new for _, is_new in opened].count(True) == 1
    assert len({c.id for c, _ in opened}) == 1


async def test_opening_many_at_once_opens_each_once(cast: Cast) -> None:
    opened = await asyncio.gather(*(open_(cast, "dora", n % 3) for n in range(24)))
    assert len({c.id for c, _ in opened}) == 3
    everyone = ConversationFilter()
    found = await conversations.find_page(
        cast.engine, cast.acme.actor("ada"), everyone, page_window(1, 10)
    )
    assert (found.total, len(found.items)) == (3, 3)


async def test_the_count_of_participants_is_right_after_a_race(cast: Cast) -> None:
    who = ("dan", "cleo", "dora", "ada")
    opened = await asyncio.gather(*(open_(cast, who[n % 4]) for n in range(16)))
    shown = await conversations.get(cast.engine, cast.acme.actor("ada"), opened[0][0].id)
    db, tenant = cast.engine.db, cast.acme.tenant.id
    active = await db.read(tenant, participants.active_ids, shown.one.id)
    assert shown.one.participant_count == len(active) == 4


async def test_a_removed_conversation_is_not_joined(cast: Cast) -> None:
    first, _ = await open_(cast, "dan")
    await conversations.remove(cast.engine, cast.acme.actor("ada"), first.id)
    second, is_new = await open_(cast, "dan")
    assert is_new and second.id != first.id


async def test_a_driver_who_is_replaced_meanwhile_is_no_participant(cast: Cast) -> None:
    one, olaf = cast.acme.deliveries[0], cast.acme.id("olaf")
    change = DeliveryInput(id=one.id, driver_id=olaf)
    opening = open_(cast, "cleo")
    saving = deliveries.save(cast.engine, cast.acme.actor("dora"), [change])
    (opened, _), _ = await asyncio.gather(opening, saving)
    db, tenant = cast.engine.db, cast.acme.tenant.id
    active = set(await db.read(tenant, participants.active_ids, opened.id))
    assert active == {olaf, cast.acme.id("cleo")}


async def test_callers_without_the_right_are_refused(cast: Cast) -> None:
    with pytest.raises(NotFound):
        await open_(cast, "olaf")
    for who in ("dan", "dora"):
        with pytest.raises(Invalid):
            await open_(cast, who, None)
    assert (await open_(cast, "dan"))[1]


async def test_the_deliverys_customer_owns_it_also_when_that_is_another(cast: Cast) -> None:
    acme, engine = cast.acme, cast.engine
    first, _ = await open_(cast, "dora")
    assert first.owner_id == acme.id("cleo")
    moved = DeliveryInput(id=acme.deliveries[0].id, customer_id=acme.id("olaf"))
    await deliveries.save(engine, acme.actor("dora"), [moved])
    shown = await conversations.get(engine, acme.actor("ada"), first.id)
    assert shown.one.owner_id == acme.id("olaf")
    owned = ConversationFilter(owner_ids=(acme.id("olaf"),))
    found = await conversations.find_page(engine, acme.actor("ada"), owned, page_window(1, 10))
    assert (found.total, len(found.items)) == (1, 1)
