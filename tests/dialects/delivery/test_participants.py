"""Participants and read marks (delivery.md, Neighbours)."""

from typing import Any

import httpx
import pytest

from koine.kit.ids import new_id
from tests.dialects.delivery.conftest import DeliveryClient


async def put(
    client: DeliveryClient, who: str, conversation_id: str, **body: object
) -> httpx.Response:
    return await client.call(who, "PUT", f"/{conversation_id}/participants", body)


async def parts(client: DeliveryClient, conversation_id: str) -> dict[str, Any]:
    shown = (await client.get("ada", f"/{conversation_id}")).json()["conversation"]
    return {p["user_id"]: p for p in shown["participants"]}


async def test_an_admin_of_the_conversation_adds(delivery_client: DeliveryClient) -> None:
    opened, olaf = await delivery_client.open(), delivery_client.id("olaf")
    response = await put(
        delivery_client, "dan", opened["id"], action="add", user_ids=[olaf], role="admin"
    )
    assert response.status_code == 200
    assert response.json() == {
        "success": True,
        "message": "Participants updated successfully",
        "results": [{"user_id": olaf, "success": True, "message": "Participant added"}],
    }
    assert (await parts(delivery_client, opened["id"]))[olaf]["role"] == "admin"


async def test_remove_sets_left_at_and_add_reactivates(delivery_client: DeliveryClient) -> None:
    opened, cleo = await delivery_client.open(), delivery_client.id("cleo")
    assert (
        await put(delivery_client, "dan", opened["id"], action="remove", user_ids=[cleo])
    ).status_code == 200
    assert (await parts(delivery_client, opened["id"]))[cleo]["left_at"] is not None
    assert (await delivery_client.get("cleo", f"/{opened['id']}")).status_code == 404
    await put(delivery_client, "dan", opened["id"], action="add", user_ids=[cleo])
    assert (await parts(delivery_client, opened["id"]))[cleo]["left_at"] is None
    assert (await delivery_client.get("cleo", f"/{opened['id']}")).status_code == 200


async def test_update_changes_the_role(delivery_client: DeliveryClient) -> None:
    opened, cleo = await delivery_client.open(), delivery_client.id("cleo")
    body = {"action": "update", "user_ids": [cleo.upper()], "role": "admin"}
    assert (await put(delivery_client, "dan", opened["id"], **body)).status_code == 200
    assert (await parts(delivery_client, opened["id"]))[cleo]["role"] == "admin"


async def test_some_that_fail_are_207(delivery_client: DeliveryClient) -> None:
    opened, rival = await delivery_client.open(), delivery_client.cast.rival.id("dan")
    named = [delivery_client.id("olaf"), rival, delivery_client.id("cleo")]
    response = await put(delivery_client, "dan", opened["id"], action="add", user_ids=named)
    assert (response.status_code, response.json()["success"]) == (207, False)
    results = [(r["user_id"], r["success"], r["message"]) for r in response.json()["results"]]
    assert results == [
        (delivery_client.id("olaf"), True, "Participant added"),
        (rival, False, "User not found"),
        (delivery_client.id("cleo"), True, "Already a participant"),
    ]


@pytest.mark.parametrize("action", ["remove", "update"])
async def test_one_who_takes_no_part_cannot_be_changed(
    delivery_client: DeliveryClient, action: str
) -> None:
    opened, olaf = await delivery_client.open(), delivery_client.id("olaf")
    response = await put(
        delivery_client, "dan", opened["id"], action=action, user_ids=[olaf], role="admin"
    )
    assert response.status_code == 207
    assert response.json()["results"][0]["message"] == "User is not a participant"


async def test_managers_and_system_administrators_may_change_participants(
    delivery_client: DeliveryClient,
) -> None:
    opened = await delivery_client.open()
    await delivery_client.create_user("max", None, "manage:tenant")
    body = {"action": "add", "user_ids": [delivery_client.id("olaf")]}
    for who in ("max", "ada"):
        assert (await put(delivery_client, who, opened["id"], **body)).status_code == 200
    path = f"/{opened['id']}/participants"
    root = await delivery_client.call("root", "PUT", path, body, tenant_id=delivery_client.tenant)
    assert root.status_code == 200


@pytest.mark.parametrize(("who", "status"), [("cleo", 403), ("dora", 403), ("olaf", 404)])
async def test_members_viewers_and_outsiders_may_not_change_participants(
    delivery_client: DeliveryClient, who: str, status: int
) -> None:
    opened = await delivery_client.open()
    body = {"action": "add", "user_ids": [delivery_client.id("olaf")]}
    assert (await put(delivery_client, who, opened["id"], **body)).status_code == status
    assert delivery_client.id("olaf") not in await parts(delivery_client, opened["id"])


async def test_a_closed_conversation_keeps_its_people(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    await delivery_client.close(opened["id"])
    body = {"action": "remove", "user_ids": [delivery_client.id("cleo")]}
    assert (await put(delivery_client, "dan", opened["id"], **body)).status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {}, {"action": "add"}, {"action": "add", "user_ids": []},
        {"action": "add", "user_ids": ["y"]}, {"action": "x", "user_ids": [new_id()]},
        {"action": "add", "user_ids": [new_id()], "role": "x"},
        {"action": "add", "user_ids": new_id()}, {"action": "add", "user_ids": [new_id()] * 501},
    ],
)  # fmt: skip
async def test_an_invalid_body_is_400(
    delivery_client: DeliveryClient, body: dict[str, object]
) -> None:
    opened = await delivery_client.open()
    assert (await put(delivery_client, "dan", opened["id"], **body)).status_code == 400


async def unread(client: DeliveryClient, who: str) -> int:
    count: int = (await client.get(who)).json()["conversations"][0]["unread_count"]
    return count


async def test_read_status_moves_the_mark_forward(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    sent = [await delivery_client.send_text("dan", opened["id"], f"{n}") for n in range(3)]
    path = f"/{opened['id']}/read-status"
    for message, left in ((sent[1], 1), (sent[0], 1), (sent[2], 0)):
        response = await delivery_client.call("cleo", "PUT", path, message_id=message["id"])
        assert response.json() == {"success": True, "message": "Read status updated successfully"}
        assert await unread(delivery_client, "cleo") == left


async def test_read_status_without_a_message_reads_all(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    path = f"/{opened['id']}/read-status"
    assert (await delivery_client.call("cleo", "PUT", path)).status_code == 200
    await delivery_client.send_text("dan", opened["id"], "hi")
    assert (await delivery_client.call("cleo", "PUT", path, message_id="")).status_code == 200
    assert await unread(delivery_client, "cleo") == 0


async def test_only_a_participant_has_a_read_status(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    path = f"/{opened['id']}/read-status"
    assert (await delivery_client.call("dora", "PUT", path)).status_code == 403
    assert (await delivery_client.call("olaf", "PUT", path)).status_code == 404
    assert (
        await delivery_client.call("root", "PUT", path, tenant_id=delivery_client.tenant)
    ).status_code == 403


async def test_a_message_of_elsewhere_is_404(delivery_client: DeliveryClient) -> None:
    first, second = await delivery_client.open(), await delivery_client.open(parcel=1)
    sent = await delivery_client.send_text("dan", second["id"], "hi")
    path = f"/{first['id']}/read-status"
    for message_id in (sent["id"], new_id()):
        response = await delivery_client.call("dan", "PUT", path, message_id=message_id)
        assert (response.status_code, response.json()["message"]) == (404, "Message not found")
    assert (await delivery_client.call("dan", "PUT", path, message_id="x")).status_code == 400
