"""Creating a conversation: the ten rules of delivery.md, by number."""

import asyncio

import pytest

from koine.engine import offboarding
from koine.kit.ids import new_id
from tests.dialects.delivery.conftest import DeliveryClient


async def test_rule_1_one_conversation_per_delivery_is_reused(
    delivery_client: DeliveryClient,
) -> None:
    delivery_id = delivery_client.cast.acme.deliveries[0].id
    first = await delivery_client.call("dan", "POST", body={"delivery_id": delivery_id})
    again = await delivery_client.call(
        "dora",
        "POST",
        body={"delivery_id": delivery_id, "participants": [delivery_client.id("olaf")]},
    )
    assert (first.status_code, again.status_code) == (201, 200)
    one, two = first.json()["conversation"], again.json()["conversation"]
    assert one["id"] == two["id"]
    joined = {p["user_id"] for p in two["participants"]}
    assert joined == {delivery_client.id(who) for who in ("dan", "cleo", "dora", "olaf")}


async def test_rule_1_holds_under_a_race(delivery_client: DeliveryClient) -> None:
    delivery_id = delivery_client.cast.acme.deliveries[0].id
    who = ("dan", "cleo", "dora", "ada")
    calls = [
        delivery_client.call(who[n % 4], "POST", body={"delivery_id": delivery_id})
        for n in range(32)
    ]
    responses = await asyncio.gather(*calls)
    assert sorted(a.status_code for a in responses) == [200] * 31 + [201]
    assert len({a.json()["conversation"]["id"] for a in responses}) == 1
    listed = (await delivery_client.get("ada")).json()
    assert listed["total"] == 1
    joined = [p["user_id"] for p in listed["conversations"][0]["participants"]]
    assert sorted(joined) == sorted(delivery_client.id(each) for each in who)


@pytest.mark.parametrize("who", ["dan", "cleo"])
async def test_rule_2_drivers_and_customers_need_a_delivery(
    delivery_client: DeliveryClient, who: str
) -> None:
    response = await delivery_client.call(
        who, "POST", body={"participants": [delivery_client.id("dora")]}
    )
    assert response.status_code == 400
    assert response.json() == {"success": False, "message": "delivery_id is required"}


@pytest.mark.parametrize("who", ["dora", "ada", "mona"])
async def test_rule_3_dispatcher_and_admin_open_free_ones(
    delivery_client: DeliveryClient, who: str
) -> None:
    await delivery_client.create_user("mona", None, "manage:messaging:tenant")
    response = await delivery_client.call(
        who, "POST", body={"participants": [delivery_client.id("dan")]}
    )
    assert response.status_code == 201
    assert response.json()["conversation"]["delivery_id"] is None


async def test_rule_3_a_system_administrator_opens_free_ones(
    delivery_client: DeliveryClient,
) -> None:
    body = {"participants": [delivery_client.id("dan")]}
    response = await delivery_client.call(
        "root", "POST", body=body, tenant_id=delivery_client.tenant
    )
    assert response.status_code == 201
    assert [p["user_id"] for p in response.json()["conversation"]["participants"]] == [
        delivery_client.id("dan")
    ]


async def test_rule_3_anyone_else_is_403(delivery_client: DeliveryClient) -> None:
    response = await delivery_client.call(
        "alice", "POST", body={"participants": [delivery_client.id("dan")]}
    )
    assert response.status_code == 403


async def test_rule_4_driver_and_customer_take_part_by_themselves(
    delivery_client: DeliveryClient,
) -> None:
    opened = await delivery_client.open("dora", participants=[delivery_client.id("olaf")])
    joined = {p["user_id"] for p in opened["participants"]}
    assert joined == {delivery_client.id(who) for who in ("dan", "cleo", "dora", "olaf")}


@pytest.mark.parametrize("participants", [{}, {"participants": []}, {"participants": None}])
async def test_rule_5_free_ones_need_participants(
    delivery_client: DeliveryClient, participants: dict[str, object]
) -> None:
    response = await delivery_client.call("dora", "POST", body=participants)
    assert response.status_code == 400
    assert response.json() == {"success": False, "message": "participants are required"}


async def test_rule_6_the_deliverys_customer_takes_part(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open("dan")
    assert delivery_client.id("cleo") in {p["user_id"] for p in opened["participants"]}


async def test_rule_7_the_creator_becomes_admin(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open("dora")
    roles = {p["user_id"]: p["role"] for p in opened["participants"]}
    assert roles[delivery_client.id("dora")] == "admin"
    assert {roles[delivery_client.id("dan")], roles[delivery_client.id("cleo")]} == {"member"}
    assert opened["created_by"] == delivery_client.id("dora")


async def test_rule_7_unless_the_list_names_them(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open("dora", participants=[delivery_client.id("dora")])
    roles = {p["user_id"]: p["role"] for p in opened["participants"]}
    assert roles[delivery_client.id("dora")] == "member"


async def test_rule_8_all_participants_belong_to_the_tenant(
    delivery_client: DeliveryClient,
) -> None:
    rival, nobody = delivery_client.cast.rival.id("dan"), new_id()
    body = {"participants": [delivery_client.id("dan"), rival, {"user_id": nobody}]}
    response = await delivery_client.call("dora", "POST", body=body)
    assert response.status_code == 400
    assert rival in response.json()["message"] and nobody in response.json()["message"]
    assert delivery_client.id("dan") not in response.json()["message"]
    assert (await delivery_client.get("dora")).json()["total"] == 0


async def test_rule_8_holds_on_reuse(delivery_client: DeliveryClient) -> None:
    await delivery_client.open()
    body = {"delivery_id": delivery_client.cast.acme.deliveries[0].id, "participants": [new_id()]}
    assert (await delivery_client.call("dan", "POST", body=body)).status_code == 400


async def test_rule_9_the_title_is_made_of_reference_and_customer(
    delivery_client: DeliveryClient,
) -> None:
    assert (await delivery_client.open())["title"] == "#ORD-1 - Cleo User"
    assert (await delivery_client.open(parcel=1, title="  "))["title"] == "#ORD-2 - Cleo User"
    assert (await delivery_client.open(parcel=2, title="Mine"))["title"] == "Mine"


async def test_rule_10_the_type_is_always_order(delivery_client: DeliveryClient) -> None:
    assert (await delivery_client.open(type="support"))["type"] == "order"
    body = {"participants": [delivery_client.id("dan")], "type": 7}
    free = await delivery_client.call("dora", "POST", body=body)
    assert free.json()["conversation"]["type"] == "order"


async def test_participants_may_carry_roles(delivery_client: DeliveryClient) -> None:
    named = [
        {"user_id": delivery_client.id("dan").upper(), "role": "admin"},
        delivery_client.id("olaf"),
    ]
    opened = await delivery_client.open("dora", participants=named)
    roles = {p["user_id"]: p["role"] for p in opened["participants"]}
    assert (roles[delivery_client.id("dan")], roles[delivery_client.id("olaf")]) == (
        "admin",
        "member",
    )


@pytest.mark.parametrize("who", ["olaf", "vic"])
async def test_a_delivery_of_others_is_refused_like_an_unknown_one(
    delivery_client: DeliveryClient, who: str
) -> None:
    await delivery_client.create_user("vic", "driver")
    others = await delivery_client.call(
        who, "POST", body={"delivery_id": delivery_client.cast.acme.deliveries[0].id}
    )
    nothing = await delivery_client.call(who, "POST", body={"delivery_id": new_id()})
    rival = await delivery_client.call(
        who, "POST", body={"delivery_id": delivery_client.cast.rival.deliveries[0].id}
    )
    assert others.status_code == 404
    assert others.json() == {"success": False, "message": "Delivery not found"}
    assert others.content == nothing.content == rival.content


async def test_metadata_is_kept_as_it_came(delivery_client: DeliveryClient) -> None:
    metadata = {"order_id": "12345", "priority": "high", "deep": {"a": [1, 2.5, None, "é"]}}
    opened = await delivery_client.open(metadata=metadata)
    assert opened["metadata"] == metadata
    assert (await delivery_client.get("cleo")).json()["conversations"][0]["metadata"] == metadata


async def test_unknown_fields_are_ignored(delivery_client: DeliveryClient) -> None:
    assert "colour" not in await delivery_client.open(colour="red")


@pytest.mark.parametrize(
    "body",
    [
        {"delivery_id": "x"}, {"delivery_id": 7}, {"delivery_id": ""}, {"participants": "dan"},
        {"participants": ["dan"]}, {"participants": [7]}, {"participants": [{}]},
        {"participants": [{"user_id": "x"}]}, {"metadata": []}, {"metadata": "x"}, {"title": 7},
        {"title": "x" * 1001}, [], "x",
    ],
)  # fmt: skip
async def test_an_invalid_body_is_400(delivery_client: DeliveryClient, body: object) -> None:
    response = await delivery_client.call("dora", "POST", body=body)
    assert response.status_code == 400
    assert response.json()["success"] is False


async def test_the_envelope_of_one(delivery_client: DeliveryClient) -> None:
    body = {"delivery_id": delivery_client.cast.acme.deliveries[0].id}
    created = (await delivery_client.call("dan", "POST", body=body)).json()
    assert list(created) == ["success", "message", "conversation"]
    assert created["message"] == "Conversation created successfully"
    again = (await delivery_client.call("dan", "POST", body=body)).json()
    assert again["message"] == "Conversation retrieved successfully"
    assert created["conversation"]["status"] == "active"
    assert (created["conversation"]["latest_message"], created["conversation"]["unread_count"]) == (
        None,
        0,
    )


@pytest.mark.parametrize("gone", ["dan", "cleo"])
async def test_a_delivery_whose_people_were_removed_opens_and_is_joined(
    delivery_client: DeliveryClient, gone: str
) -> None:
    await offboarding.remove(
        delivery_client.cast.engine,
        delivery_client.cast.acme.actor("ada"),
        delivery_client.id(gone),
        "user",
    )
    body = {"delivery_id": delivery_client.cast.acme.deliveries[0].id}
    first = await delivery_client.call("dora", "POST", body=body)
    again = await delivery_client.call("ada", "POST", body=body)
    assert (first.status_code, again.status_code) == (201, 200), first.text
    joined = {p["user_id"] for p in again.json()["conversation"]["participants"]}
    assert joined == {
        delivery_client.id(who) for who in ("dan", "cleo", "dora", "ada") if who != gone
    }
