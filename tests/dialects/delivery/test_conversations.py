"""List and get conversations: each rule of delivery.md by its name."""

import pytest

from koine.kit.ids import new_id
from tests.dialects.delivery.conftest import DeliveryClient


async def test_users_see_their_own_conversations(delivery_client: DeliveryClient) -> None:
    own, other = await delivery_client.open(), await delivery_client.open("dora", 1)
    await delivery_client.call(
        "dora",
        "PUT",
        f"/{other['id']}/participants",
        {"action": "remove", "user_ids": [delivery_client.id("dan")]},
    )
    listed = (await delivery_client.get("dan")).json()
    assert ([c["id"] for c in listed["conversations"]], listed["total"]) == ([own["id"]], 1)
    assert (await delivery_client.get("dora")).json()["total"] == 2
    assert (await delivery_client.get("olaf")).json()["conversations"] == []


@pytest.mark.parametrize("permission", ["view:tenant", "manage:messaging:tenant"])
async def test_with_a_permission_all_of_the_tenant(
    delivery_client: DeliveryClient, permission: str
) -> None:
    await delivery_client.open()
    await delivery_client.create_user("vera", None, permission)
    assert (await delivery_client.get("vera")).json()["total"] == 1


async def test_with_a_permission_and_user_id_that_users(delivery_client: DeliveryClient) -> None:
    await delivery_client.open()
    listed = (await delivery_client.get("dora", user_id=delivery_client.id("dan").upper())).json()
    assert listed["total"] == 1
    assert (await delivery_client.get("dora", user_id=delivery_client.id("olaf"))).json()[
        "total"
    ] == 0


async def test_without_permission_a_foreign_user_id_is_403(delivery_client: DeliveryClient) -> None:
    response = await delivery_client.get("dan", user_id=delivery_client.id("cleo"))
    assert response.status_code == 403
    assert (await delivery_client.get("dan", user_id=delivery_client.id("dan"))).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        {"page": "0"}, {"page": "-1"}, {"page": "x"}, {"page": "1.5"}, {"limit": "0"},
        {"limit": "many"}, {"status": "open"}, {"status": "ACTIVE"}, {"user_id": "dan"},
    ],
)  # fmt: skip
async def test_an_invalid_query_is_400(
    delivery_client: DeliveryClient, query: dict[str, str]
) -> None:
    response = await delivery_client.get("dora", **query)
    assert response.status_code == 400
    assert response.json()["success"] is False
    assert next(iter(query)) in response.json()["message"]


async def test_parameters_sent_empty_are_not_given(delivery_client: DeliveryClient) -> None:
    await delivery_client.open()
    query = dict.fromkeys(("type", "status", "user_id", "page", "limit", "language"), "")
    listed = (await delivery_client.get("dan", **query)).json()
    assert (listed["total"], listed["page"], listed["limit"]) == (1, 1, 20)


async def test_a_larger_limit_is_cut_to_100(delivery_client: DeliveryClient) -> None:
    assert (await delivery_client.get("dan", limit=101)).json()["limit"] == 100


async def test_pages(delivery_client: DeliveryClient) -> None:
    opened = [(await delivery_client.open("dora", n))["id"] for n in range(3)]
    first = (await delivery_client.get("dora", limit=2)).json()
    second = (await delivery_client.get("dora", limit=2, page=2)).json()
    ids = [c["id"] for c in first["conversations"] + second["conversations"]]
    assert sorted(ids) == sorted(opened)
    assert (first["total"], second["page"], second["limit"]) == (3, 2, 2)
    assert (await delivery_client.get("dora", limit=2, page=3)).json()["conversations"] == []


async def test_the_envelope_of_a_list(delivery_client: DeliveryClient) -> None:
    body = (await delivery_client.get("dan")).json()
    assert list(body) == ["success", "message", "conversations", "total", "page", "limit"]
    assert (body["success"], body["message"]) == (True, "Conversations retrieved successfully")


async def test_newest_activity_first(delivery_client: DeliveryClient) -> None:
    older, newer = await delivery_client.open(), await delivery_client.open(parcel=1)
    delivery_client.cast.clock.advance(seconds=1)
    await delivery_client.send_text("dan", older["id"], "hello")
    listed = (await delivery_client.get("dan")).json()["conversations"]
    assert [c["id"] for c in listed] == [older["id"], newer["id"]]


async def test_type_and_status_filter(delivery_client: DeliveryClient) -> None:
    active, closed = await delivery_client.open(), await delivery_client.open(parcel=1)
    await delivery_client.close(closed["id"])
    by = {}
    for name, value in (("status", "active"), ("status", "closed"), ("type", "order")):
        found = (await delivery_client.get("dora", **{name: value})).json()
        assert found["total"] == len(found["conversations"])
        by[value] = {c["id"] for c in found["conversations"]}
    assert by["active"] == {active["id"]}
    assert by["closed"] == {closed["id"]}
    assert by["order"] == {active["id"], closed["id"]}
    assert (await delivery_client.get("dora", type="support")).json()["total"] == 0


async def test_items_carry_participants_and_latest_message(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    sent = await delivery_client.send_text("dan", opened["id"], "I am here")
    item = (await delivery_client.get("cleo")).json()["conversations"][0]
    assert item["latest_message"] == sent
    assert {p["user_id"] for p in item["participants"]} == {
        delivery_client.id("dan"),
        delivery_client.id("cleo"),
    }
    cleo = next(
        p["user"] for p in item["participants"] if p["user_id"] == delivery_client.id("cleo")
    )
    person = delivery_client.cast.acme.people["cleo"]
    assert (cleo["name"], cleo["email"], cleo["avatar"]) == (person.name, person.email, None)


async def test_items_carry_the_unread_count(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    for text in ("one", "two"):
        await delivery_client.send_text("dan", opened["id"], text)
    counts = {
        who: (await delivery_client.get(who)).json()["conversations"][0]["unread_count"]
        for who in ("dan", "cleo", "dora")
    }
    assert counts == {"dan": 0, "cleo": 2, "dora": 0}
    listed = (await delivery_client.get("dora", user_id=delivery_client.id("cleo"))).json()
    assert listed["conversations"][0]["unread_count"] == 2


@pytest.mark.parametrize("who", ["dan", "cleo", "dora", "ada"])
async def test_a_participant_or_view_tenant_gets_a_conversation(
    delivery_client: DeliveryClient, who: str
) -> None:
    opened = await delivery_client.open()
    response = await delivery_client.get(who, f"/{opened['id']}")
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["success", "message", "conversation"]
    assert body["message"] == "Conversation retrieved successfully"
    assert body["conversation"] == opened


async def test_a_system_administrator_gets_a_conversation(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    response = await delivery_client.get(
        "root", f"/{opened['id']}", tenant_id=delivery_client.tenant
    )
    assert response.json()["conversation"]["id"] == opened["id"]


async def test_managing_messages_alone_does_not_get_a_conversation(
    delivery_client: DeliveryClient,
) -> None:
    opened = await delivery_client.open()
    await delivery_client.create_user("mona", None, "manage:messaging:tenant")
    assert (await delivery_client.get("mona")).json()["total"] == 1
    assert (await delivery_client.get("mona", f"/{opened['id']}")).status_code == 404


async def test_a_former_participant_does_not_get_it(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    body = {"action": "remove", "user_ids": [delivery_client.id("cleo")]}
    assert (
        await delivery_client.call("dan", "PUT", f"/{opened['id']}/participants", body)
    ).status_code == 200
    assert (await delivery_client.get("cleo", f"/{opened['id']}")).status_code == 404
    assert (await delivery_client.get("cleo")).json()["total"] == 0


async def test_no_participant_another_tenant_and_no_conversation_have_one_response(
    delivery_client: DeliveryClient,
) -> None:
    opened = await delivery_client.open()
    outsider = await delivery_client.get("olaf", f"/{opened['id']}")
    rival = await delivery_client.get("rival:ada", f"/{opened['id']}")
    nothing = await delivery_client.get("olaf", f"/{new_id()}")
    assert {a.status_code for a in (outsider, rival, nothing)} == {404}
    assert {a.content for a in (outsider, rival, nothing)} == {outsider.content}
    assert (await delivery_client.get("olaf", "/42")).status_code == 400
    assert (await delivery_client.get("dan", f"/{opened['id']}")).status_code == 200


async def test_an_unknown_path_and_method_have_the_envelope(
    delivery_client: DeliveryClient,
) -> None:
    unknown = await delivery_client.get("dan", "/x/y/z")
    assert (unknown.status_code, unknown.json()["success"]) == (404, False)
    wrong = await delivery_client.call("dan", "DELETE", f"/{new_id()}")
    assert (wrong.status_code, wrong.json()["message"]) == (405, "Method not allowed")
