"""Deliveries are saved by id or reference, and their people become participants."""

import asyncio

import pytest

from koine.engine import deliveries
from koine.engine.conversations import delivery_conversations
from koine.engine.conversations.delivery_conversations import NewDeliveryConversation
from koine.engine.deliveries import DeliveryInput
from koine.kit.ids import new_id
from koine.model.delivery import Delivery
from koine.model.errors import Conflict, Forbidden, Invalid, NotFound
from koine.model.page import Window
from koine.store.conversations import participants
from tests.cast import Cast


async def save(cast: Cast, *inputs: DeliveryInput, who: str = "dora") -> list[deliveries.Saved]:
    return await deliveries.save(cast.engine, cast.acme.actor(who), list(inputs))


async def people_of(cast: Cast, delivery: Delivery) -> set[str]:
    """The current participants of the delivery's conversation."""
    actor, opening = cast.acme.actor("cleo"), NewDeliveryConversation(delivery_id=delivery.id)
    opened, _ = await delivery_conversations.open_(cast.engine, actor, opening)
    db = cast.engine.db
    return set(await db.read(cast.acme.tenant.id, participants.active_ids, opened.id))


async def test_a_new_delivery_gets_an_id_a_code_and_a_status(cast: Cast) -> None:
    [saved] = await save(cast, DeliveryInput(customer_id=cast.acme.id("cleo")))
    created = saved.delivery
    assert saved.is_new
    assert (created.delivery_code, created.status) == (created.id[-8:].upper(), "pending")
    assert (created.external_reference_id, created.driver_id) == (None, None)
    assert await deliveries.get(cast.engine, cast.acme.actor("dora"), created.id) == created


async def test_a_new_delivery_may_have_its_own_id(cast: Cast) -> None:
    wanted = new_id()
    [saved] = await save(cast, DeliveryInput(id=wanted, customer_id=cast.acme.id("cleo")))
    assert (saved.is_new, saved.delivery.id) == (True, wanted)


async def test_a_delivery_is_changed_by_id_or_by_reference(cast: Cast) -> None:
    one, two, _ = cast.acme.deliveries
    saved = await save(
        cast,
        DeliveryInput(id=one.id, status="delivered"),
        DeliveryInput(external_reference_id="ORD-2", delivery_code="X", driver_id=None),
    )
    assert [s.is_new for s in saved] == [False, False]
    assert (saved[0].delivery.status, saved[0].delivery.delivery_code) == ("delivered", "C1")
    assert (saved[1].delivery.id, saved[1].delivery.driver_id) == (two.id, None)
    assert saved[1].delivery.external_reference_id == "ORD-2"


async def test_all_deliveries_are_saved_or_none(cast: Cast) -> None:
    one = cast.acme.deliveries[0]
    with pytest.raises(Invalid) as refused:
        await save(cast, DeliveryInput(id=one.id, status="x"), DeliveryInput(status="y"))
    assert refused.value.field == "deliveries.1.customer_id"
    actor = cast.acme.actor("dora")
    assert (await deliveries.get(cast.engine, actor, one.id)).status == "active"


@pytest.mark.parametrize("field", ["customer_id", "driver_id"])
async def test_the_people_of_a_delivery_are_users_of_the_tenant(cast: Cast, field: str) -> None:
    for outsider in (cast.rival.id("dan"), cast.acme.id("carol"), new_id()):
        fields = {"customer_id": cast.acme.id("cleo"), field: outsider}
        with pytest.raises(Invalid) as refused:
            await save(cast, DeliveryInput(**fields))
        assert refused.value.field == f"deliveries.0.{field}"


@pytest.mark.parametrize("field", ["id", "external_reference_id"])
async def test_a_delivery_may_not_be_named_twice(cast: Cast, field: str) -> None:
    twin = DeliveryInput(**{field: new_id()}, customer_id=cast.acme.id("cleo"))
    with pytest.raises(Invalid):
        await save(cast, twin, twin)


async def test_a_delivery_may_not_be_named_by_id_and_by_reference(cast: Cast) -> None:
    one = cast.acme.deliveries[0]
    with pytest.raises(Invalid):
        await save(cast, DeliveryInput(id=one.id), DeliveryInput(external_reference_id="ORD-1"))


async def test_a_reference_is_unique(cast: Cast) -> None:
    new = DeliveryInput(id=cast.acme.deliveries[0].id, external_reference_id="ORD-2")
    with pytest.raises(Conflict):
        await save(cast, new)


async def test_the_same_reference_saved_at_once_is_one_delivery(cast: Cast) -> None:
    new = DeliveryInput(external_reference_id="new", customer_id=cast.acme.id("cleo"))
    saved = await asyncio.gather(*(save(cast, new) for _ in range(16)))
    assert len({s.delivery.id for [s] in saved}) == 1
    assert [s.is_new for [s] in saved].count(True) == 1


async def test_a_new_driver_joins_and_the_old_one_leaves(cast: Cast) -> None:
    one, olaf = cast.acme.deliveries[0], cast.acme.id("olaf")
    assert await people_of(cast, one) == {cast.acme.id("dan"), cast.acme.id("cleo")}
    await save(cast, DeliveryInput(id=one.id, driver_id=olaf))
    assert await people_of(cast, one) == {olaf, cast.acme.id("cleo")}
    await save(cast, DeliveryInput(id=one.id, driver_id=None))
    assert await people_of(cast, one) == {cast.acme.id("cleo")}


async def test_the_customer_who_also_drives_stays(cast: Cast) -> None:
    one, cleo = cast.acme.deliveries[0], cast.acme.id("cleo")
    await people_of(cast, one)
    await save(cast, DeliveryInput(id=one.id, driver_id=cleo))
    await save(cast, DeliveryInput(id=one.id, driver_id=None))
    assert await people_of(cast, one) == {cleo}


async def test_drivers_assigned_at_once_leave_one_driver(cast: Cast) -> None:
    one = cast.acme.deliveries[0]
    await people_of(cast, one)
    drivers = [cast.acme.id(who) for who in ("olaf", "dora", "ada", "alice", "dan")] * 4
    await asyncio.gather(*(save(cast, DeliveryInput(id=one.id, driver_id=d)) for d in drivers))
    now = await deliveries.get(cast.engine, cast.acme.actor("dora"), one.id)
    assert await people_of(cast, one) == {now.driver_id, cast.acme.id("cleo")}


@pytest.mark.parametrize("who", ["dan", "cleo", "alice"])
async def test_only_managers_save_and_list_deliveries(cast: Cast, who: str) -> None:
    with pytest.raises(Forbidden):
        await save(cast, DeliveryInput(id=cast.acme.deliveries[0].id), who=who)
    with pytest.raises(Forbidden):
        await deliveries.find_page(cast.engine, cast.acme.actor(who), Window(limit=10))


async def test_only_its_driver_and_customer_and_managers_see_a_delivery(cast: Cast) -> None:
    one = cast.acme.deliveries[0]
    for who in ("dan", "cleo", "dora", "ada"):
        assert await deliveries.get(cast.engine, cast.acme.actor(who), one.id) == one
    for outsider in (cast.acme.actor("olaf"), cast.rival.actor("ada")):
        with pytest.raises(NotFound):
            await deliveries.get(cast.engine, outsider, one.id)


async def test_a_page_is_of_the_tenant_oldest_first(cast: Cast) -> None:
    page = await deliveries.find_page(cast.engine, cast.acme.actor("ada"), Window(limit=2))
    assert page.items == cast.acme.deliveries[:2]
    rest = Window(limit=2, cursor=page.next)
    assert (await deliveries.find_page(cast.engine, cast.acme.actor("ada"), rest)).items == (
        cast.acme.deliveries[2:]
    )
