"""Participants and read marks (delivery.md, Neighbours)."""

from typing import Any

import httpx
import pytest

from koine.kit.ids import new_id
from tests.dialects.delivery.conftest import Wire


async def put(wire: Wire, who: str, conversation_id: str, **body: object) -> httpx.Response:
    return await wire.call(who, "PUT", f"/{conversation_id}/participants", body)


async def parts(wire: Wire, conversation_id: str) -> dict[str, Any]:
    shown = (await wire.get("ada", f"/{conversation_id}")).json()["conversation"]
    return {p["user_id"]: p for p in shown["participants"]}


async def test_an_admin_of_the_conversation_adds(wire: Wire) -> None:
    opened, olaf = await wire.open(), wire.id("olaf")
    answer = await put(wire, "dan", opened["id"], action="add", user_ids=[olaf], role="admin")
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "message": "Participants updated successfully",
        "results": [{"user_id": olaf, "success": True, "message": "Participant added"}],
    }
    assert (await parts(wire, opened["id"]))[olaf]["role"] == "admin"


async def test_remove_sets_left_at_and_add_reactivates(wire: Wire) -> None:
    opened, cleo = await wire.open(), wire.id("cleo")
    assert (
        await put(wire, "dan", opened["id"], action="remove", user_ids=[cleo])
    ).status_code == 200
    assert (await parts(wire, opened["id"]))[cleo]["left_at"] is not None
    assert (await wire.get("cleo", f"/{opened['id']}")).status_code == 404
    await put(wire, "dan", opened["id"], action="add", user_ids=[cleo])
    assert (await parts(wire, opened["id"]))[cleo]["left_at"] is None
    assert (await wire.get("cleo", f"/{opened['id']}")).status_code == 200


async def test_update_changes_the_role(wire: Wire) -> None:
    opened, cleo = await wire.open(), wire.id("cleo")
    body = {"action": "update", "user_ids": [cleo.upper()], "role": "admin"}
    assert (await put(wire, "dan", opened["id"], **body)).status_code == 200
    assert (await parts(wire, opened["id"]))[cleo]["role"] == "admin"


async def test_some_that_fail_are_207(wire: Wire) -> None:
    opened, rival = await wire.open(), wire.cast.rival.id("dan")
    named = [wire.id("olaf"), rival, wire.id("cleo")]
    answer = await put(wire, "dan", opened["id"], action="add", user_ids=named)
    assert (answer.status_code, answer.json()["success"]) == (207, False)
    results = [(r["user_id"], r["success"], r["message"]) for r in answer.json()["results"]]
    assert results == [
        (wire.id("olaf"), True, "Participant added"),
        (rival, False, "User not found"),
        (wire.id("cleo"), True, "Already a participant"),
    ]


@pytest.mark.parametrize("action", ["remove", "update"])
async def test_one_who_takes_no_part_cannot_be_changed(wire: Wire, action: str) -> None:
    opened, olaf = await wire.open(), wire.id("olaf")
    answer = await put(wire, "dan", opened["id"], action=action, user_ids=[olaf], role="admin")
    assert answer.status_code == 207
    assert answer.json()["results"][0]["message"] == "User is not a participant"


async def test_manage_tenant_and_system_administrators_may(wire: Wire) -> None:
    opened = await wire.open()
    await wire.hire("max", None, "manage:tenant")
    body = {"action": "add", "user_ids": [wire.id("olaf")]}
    for who in ("max", "ada"):
        assert (await put(wire, who, opened["id"], **body)).status_code == 200
    path = f"/{opened['id']}/participants"
    root = await wire.call("root", "PUT", path, body, tenant_id=wire.tenant)
    assert root.status_code == 200


@pytest.mark.parametrize(("who", "status"), [("cleo", 403), ("dora", 403), ("olaf", 404)])
async def test_members_viewers_and_strangers_may_not(wire: Wire, who: str, status: int) -> None:
    opened = await wire.open()
    body = {"action": "add", "user_ids": [wire.id("olaf")]}
    assert (await put(wire, who, opened["id"], **body)).status_code == status
    assert wire.id("olaf") not in await parts(wire, opened["id"])


async def test_a_closed_conversation_keeps_its_people(wire: Wire) -> None:
    opened = await wire.open()
    await wire.close(opened["id"])
    body = {"action": "remove", "user_ids": [wire.id("cleo")]}
    assert (await put(wire, "dan", opened["id"], **body)).status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {}, {"action": "add"}, {"action": "add", "user_ids": []},
        {"action": "add", "user_ids": ["y"]}, {"action": "x", "user_ids": [new_id()]},
        {"action": "add", "user_ids": [new_id()], "role": "x"},
        {"action": "add", "user_ids": new_id()}, {"action": "add", "user_ids": [new_id()] * 501},
    ],
)  # fmt: skip
async def test_nonsense_is_400(wire: Wire, body: dict[str, object]) -> None:
    opened = await wire.open()
    assert (await put(wire, "dan", opened["id"], **body)).status_code == 400


async def unread(wire: Wire, who: str) -> int:
    count: int = (await wire.get(who)).json()["conversations"][0]["unread_count"]
    return count


async def test_read_status_moves_the_mark_forward(wire: Wire) -> None:
    opened = await wire.open()
    sent = [await wire.say("dan", opened["id"], f"{n}") for n in range(3)]
    path = f"/{opened['id']}/read-status"
    for message, left in ((sent[1], 1), (sent[0], 1), (sent[2], 0)):
        answer = await wire.call("cleo", "PUT", path, message_id=message["id"])
        assert answer.json() == {"success": True, "message": "Read status updated successfully"}
        assert await unread(wire, "cleo") == left


async def test_read_status_without_a_message_reads_all(wire: Wire) -> None:
    opened = await wire.open()
    path = f"/{opened['id']}/read-status"
    assert (await wire.call("cleo", "PUT", path)).status_code == 200
    await wire.say("dan", opened["id"], "hi")
    assert (await wire.call("cleo", "PUT", path, message_id="")).status_code == 200
    assert await unread(wire, "cleo") == 0


async def test_only_a_participant_has_a_read_status(wire: Wire) -> None:
    opened = await wire.open()
    path = f"/{opened['id']}/read-status"
    assert (await wire.call("dora", "PUT", path)).status_code == 403
    assert (await wire.call("olaf", "PUT", path)).status_code == 404
    assert (await wire.call("root", "PUT", path, tenant_id=wire.tenant)).status_code == 403


async def test_a_message_of_elsewhere_is_404(wire: Wire) -> None:
    here, there = await wire.open(), await wire.open(parcel=1)
    sent = await wire.say("dan", there["id"], "hi")
    path = f"/{here['id']}/read-status"
    for message_id in (sent["id"], new_id()):
        answer = await wire.call("dan", "PUT", path, message_id=message_id)
        assert (answer.status_code, answer.json()["message"]) == (404, "Message not found")
    assert (await wire.call("dan", "PUT", path, message_id="x")).status_code == 400
