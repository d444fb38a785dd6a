"""The survey after a conversation."""

from typing import Any

import pytest

from koine.kit.ids import new_id
from tests.dialects.inbox.conftest import Door, Guest

SURVEY = "/public/api/v1/csat_survey"
ANSWER = ["id", "csat_survey_response", "display_type", "content", "inbox_avatar_url",
          "inbox_name", "locale", "conversation_id", "created_at"]  # fmt: skip


async def resolved(door: Door) -> tuple[Guest, dict[str, Any]]:
    guest = await door.newcomer(await door.inbox(settings='{"csat_survey_enabled":true}'))
    made = await guest.open()
    await guest.say(made["id"], "hi")
    await guest.call("POST", f"/conversations/{made['id']}/toggle_status")
    return guest, made


def rating(value: object) -> dict[str, object]:
    response = {"rating": value, "feedback_message": "fine"}
    return {"message": {"submitted_values": {"csat_survey_response": response}}}


async def test_resolving_sends_one_survey_each_time_it_was_open(door: Door) -> None:
    guest, made = await resolved(door)
    await guest.call("POST", f"/conversations/{made['id']}/toggle_status")
    await guest.say(made["id"], "again")
    await guest.call("POST", f"/conversations/{made['id']}/toggle_status")
    whole = (await guest.call("GET", f"/conversations/{made['id']}")).json()
    kinds = [(m["message_type"], m["content_type"]) for m in whole["messages"]]
    assert kinds == [(0, "text"), (3, "input_csat")] * 2
    assert "sender" not in whole["messages"][1]
    shown = (await door.web.get(f"{SURVEY}/{made['uuid']}")).json()
    assert shown["id"] == whole["messages"][-1]["id"]


async def test_a_conversation_without_the_contacts_words_has_no_survey(door: Door) -> None:
    guest = await door.newcomer(await door.inbox(settings='{"csat_survey_enabled":true}'))
    made = await guest.open()
    answer = await guest.call("POST", f"/conversations/{made['id']}/toggle_status")
    assert (answer.json()["status"], answer.json()["messages"]) == ("resolved", [])


async def test_the_conversations_own_inbox_says_whether_to_ask(door: Door) -> None:
    asking = await door.inbox(settings='{"csat_survey_enabled":true}')
    there = await door.proven("u1", asking)
    made = await there.open()
    await there.say(made["id"], "hi")
    known = await door.proven("u1")
    answer = await known.call("POST", f"/conversations/{made['id']}/toggle_status")
    assert [m["content_type"] for m in answer.json()["messages"]] == ["text", "input_csat"]


async def test_a_survey_is_shown_and_answered(door: Door) -> None:
    _, made = await resolved(door)
    url = f"{SURVEY}/{made['uuid']}"
    shown = (await door.web.get(url)).json()
    assert list(shown) == ANSWER
    assert (shown["csat_survey_response"], shown["display_type"]) == (None, "emoji")
    assert (shown["inbox_name"], shown["conversation_id"]) == ("Other", made["id"])
    for method in ("PATCH", "PUT"):
        told = (await door.web.request(method, url, json=rating(4))).json()
        assert told["csat_survey_response"] == {"rating": 4, "feedback_message": "fine"}
    assert (await door.web.get(url)).json() == told


@pytest.mark.parametrize("value", [0, 6, -1])
async def test_a_rating_is_one_to_five(door: Door, value: int) -> None:
    _, made = await resolved(door)
    refused = await door.web.patch(f"{SURVEY}/{made['uuid']}", json=rating(value))
    assert refused.status_code == 422
    assert refused.json()["attributes"] == ["rating"]


async def test_without_a_survey_there_is_nothing(door: Door) -> None:
    made = await door.carol.open()
    for uuid in (made["uuid"], new_id(), "x"):
        assert (await door.web.get(f"{SURVEY}/{uuid}")).status_code == 404


async def test_after_fourteen_days_it_is_closed(door: Door) -> None:
    guest, made = await resolved(door)
    survey = (await door.web.get(f"{SURVEY}/{made['uuid']}")).json()
    door.cast.clock.advance(seconds=14 * 86_400 + 1)
    path = f"/conversations/{made['id']}/messages/{survey['id']}"
    values = {"submitted_values": {"csat_survey_response": {"rating": 5}}}
    for refused in (
        await guest.call("PATCH", path, json=values),
        await door.web.patch(f"{SURVEY}/{made['uuid']}", json=rating(5)),
    ):
        assert refused.status_code == 422
        assert refused.json() == {"error": "You cannot update the CSAT survey after 14 days"}


@pytest.mark.parametrize("first", ["rating", "feedback_message"])
async def test_an_answer_may_come_in_parts(door: Door, first: str) -> None:
    whole = {"rating": 4, "feedback_message": "fine"}
    second = next(name for name in whole if name != first)
    guest, made = await resolved(door)
    shown = (await guest.call("GET", f"/conversations/{made['id']}")).json()["messages"]
    message = f"/conversations/{made['id']}/messages/{shown[-1]['id']}"
    url = f"{SURVEY}/{made['uuid']}"

    def part(name: str) -> dict[str, object]:
        return {"submitted_values": {"csat_survey_response": {name: whole[name]}}}

    await guest.call("PATCH", message, json=part(first))
    told = (await door.web.patch(url, json={"message": part(second)})).json()
    assert told["csat_survey_response"] == whole
    again: list[dict[str, object]] = [{"submitted_values": {}}, part(first), part(second)]
    for more in again:
        answered = (await guest.call("PATCH", message, json=more)).json()
        values = answered["content_attributes"]["submitted_values"]
        assert values["csat_survey_response"] == whole
    listed = {"submitted_values": [{"name": "x"}, {"csat_survey_response": {"rating": 5}}]}
    await guest.call("PATCH", message, json=listed)
    assert (await door.web.get(url)).json()["csat_survey_response"] == whole | {"rating": 5}
