"""List and get conversations: each rule of delivery.md by its name."""

import pytest

from koine.kit.ids import new_id
from tests.dialects.delivery.conftest import Wire


async def test_users_see_their_own_conversations(wire: Wire) -> None:
    mine, other = await wire.open(), await wire.open("dora", 1)
    await wire.call(
        "dora",
        "PUT",
        f"/{other['id']}/participants",
        {"action": "remove", "user_ids": [wire.id("dan")]},
    )
    listed = (await wire.get("dan")).json()
    assert ([c["id"] for c in listed["conversations"]], listed["total"]) == ([mine["id"]], 1)
    assert (await wire.get("dora")).json()["total"] == 2
    assert (await wire.get("olaf")).json()["conversations"] == []


@pytest.mark.parametrize("permission", ["view:tenant", "manage:messaging:tenant"])
async def test_with_a_permission_all_of_the_tenant(wire: Wire, permission: str) -> None:
    await wire.open()
    await wire.hire("vera", None, permission)
    assert (await wire.get("vera")).json()["total"] == 1


async def test_with_a_permission_and_user_id_that_users(wire: Wire) -> None:
    await wire.open()
    listed = (await wire.get("dora", user_id=wire.id("dan").upper())).json()
    assert listed["total"] == 1
    assert (await wire.get("dora", user_id=wire.id("olaf"))).json()["total"] == 0


async def test_without_permission_a_foreign_user_id_is_403(wire: Wire) -> None:
    answer = await wire.get("dan", user_id=wire.id("cleo"))
    assert answer.status_code == 403
    assert (await wire.get("dan", user_id=wire.id("dan"))).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        {"page": "0"}, {"page": "-1"}, {"page": "x"}, {"page": "1.5"}, {"limit": "0"},
        {"limit": "many"}, {"status": "open"}, {"status": "ACTIVE"}, {"user_id": "dan"},
    ],
)  # fmt: skip
async def test_nonsense_in_the_query_is_400(wire: Wire, query: dict[str, str]) -> None:
    answer = await wire.get("dora", **query)
    assert answer.status_code == 400
    assert answer.json()["success"] is False
    assert next(iter(query)) in answer.json()["message"]


async def test_parameters_sent_empty_are_not_given(wire: Wire) -> None:
    await wire.open()
    query = dict.fromkeys(("type", "status", "user_id", "page", "limit", "language"), "")
    listed = (await wire.get("dan", **query)).json()
    assert (listed["total"], listed["page"], listed["limit"]) == (1, 1, 20)


async def test_a_larger_limit_is_cut_to_100(wire: Wire) -> None:
    assert (await wire.get("dan", limit=101)).json()["limit"] == 100


async def test_pages(wire: Wire) -> None:
    opened = [(await wire.open("dora", n))["id"] for n in range(3)]
    first = (await wire.get("dora", limit=2)).json()
    second = (await wire.get("dora", limit=2, page=2)).json()
    ids = [c["id"] for c in first["conversations"] + second["conversations"]]
    assert sorted(ids) == sorted(opened)
    assert (first["total"], second["page"], second["limit"]) == (3, 2, 2)
    assert (await wire.get("dora", limit=2, page=3)).json()["conversations"] == []


async def test_the_envelope_of_a_list(wire: Wire) -> None:
    body = (await wire.get("dan")).json()
    assert list(body) == ["success", "message", "conversations", "total", "page", "limit"]
    assert (body["success"], body["message"]) == (True, "Conversations retrieved successfully")


async def test_newest_activity_first(wire: Wire) -> None:
    older, newer = await wire.open(), await wire.open(parcel=1)
    wire.cast.clock.advance(seconds=1)
    await wire.say("dan", older["id"], "hello")
    listed = (await wire.get("dan")).json()["conversations"]
    assert [c["id"] for c in listed] == [older["id"], newer["id"]]


async def test_type_and_status_filter(wire: Wire) -> None:
    active, closed = await wire.open(), await wire.open(parcel=1)
    await wire.close(closed["id"])
    by = {}
    for name, value in (("status", "active"), ("status", "closed"), ("type", "order")):
        found = (await wire.get("dora", **{name: value})).json()
        assert found["total"] == len(found["conversations"])
        by[value] = {c["id"] for c in found["conversations"]}
    assert by["active"] == {active["id"]}
    assert by["closed"] == {closed["id"]}
    assert by["order"] == {active["id"], closed["id"]}
    assert (await wire.get("dora", type="support")).json()["total"] == 0


async def test_items_carry_participants_and_latest_message(wire: Wire) -> None:
    opened = await wire.open()
    sent = await wire.say("dan", opened["id"], "I am here")
    item = (await wire.get("cleo")).json()["conversations"][0]
    assert item["latest_message"] == sent
    assert {p["user_id"] for p in item["participants"]} == {wire.id("dan"), wire.id("cleo")}
    cleo = next(p["user"] for p in item["participants"] if p["user_id"] == wire.id("cleo"))
    person = wire.cast.acme.people["cleo"]
    assert (cleo["name"], cleo["email"], cleo["avatar"]) == (person.name, person.email, None)


async def test_items_carry_the_unread_count(wire: Wire) -> None:
    opened = await wire.open()
    for text in ("one", "two"):
        await wire.say("dan", opened["id"], text)
    counts = {
        who: (await wire.get(who)).json()["conversations"][0]["unread_count"]
        for who in ("dan", "cleo", "dora")
    }
    assert counts == {"dan": 0, "cleo": 2, "dora": 0}
    listed = (await wire.get("dora", user_id=wire.id("cleo"))).json()
    assert listed["conversations"][0]["unread_count"] == 2


@pytest.mark.parametrize("who", ["dan", "cleo", "dora", "ada"])
async def test_a_participant_or_view_tenant_gets_a_conversation(wire: Wire, who: str) -> None:
    opened = await wire.open()
    answer = await wire.get(who, f"/{opened['id']}")
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["success", "message", "conversation"]
    assert body["message"] == "Conversation retrieved successfully"
    assert body["conversation"] == opened


async def test_a_system_administrator_gets_a_conversation(wire: Wire) -> None:
    opened = await wire.open()
    answer = await wire.get("root", f"/{opened['id']}", tenant_id=wire.tenant)
    assert answer.json()["conversation"]["id"] == opened["id"]


async def test_managing_messages_alone_does_not_get_a_conversation(wire: Wire) -> None:
    opened = await wire.open()
    await wire.hire("mona", None, "manage:messaging:tenant")
    assert (await wire.get("mona")).json()["total"] == 1
    assert (await wire.get("mona", f"/{opened['id']}")).status_code == 404


async def test_one_who_left_gets_it_no_more(wire: Wire) -> None:
    opened = await wire.open()
    body = {"action": "remove", "user_ids": [wire.id("cleo")]}
    assert (await wire.call("dan", "PUT", f"/{opened['id']}/participants", body)).status_code == 200
    assert (await wire.get("cleo", f"/{opened['id']}")).status_code == 404
    assert (await wire.get("cleo")).json()["total"] == 0


async def test_not_yours_another_tenants_and_nothing_are_one_answer(wire: Wire) -> None:
    opened = await wire.open()
    stranger = await wire.get("olaf", f"/{opened['id']}")
    rival = await wire.get("rival:ada", f"/{opened['id']}")
    nothing = await wire.get("olaf", f"/{new_id()}")
    assert {a.status_code for a in (stranger, rival, nothing)} == {404}
    assert {a.content for a in (stranger, rival, nothing)} == {stranger.content}
    assert (await wire.get("olaf", "/42")).status_code == 400
    assert (await wire.get("dan", f"/{opened['id']}")).status_code == 200


async def test_an_unknown_path_and_method_have_the_envelope(wire: Wire) -> None:
    unknown = await wire.get("dan", "/x/y/z")
    assert (unknown.status_code, unknown.json()["success"]) == (404, False)
    wrong = await wire.call("dan", "DELETE", f"/{new_id()}")
    assert (wrong.status_code, wrong.json()["message"]) == (405, "Method not allowed")
