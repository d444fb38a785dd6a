"""The survey after a conversation."""

from typing import Any

import pytest

from koine.kit.ids import new_id
from tests.dialects.inbox.conftest import ContactClient, InboxClient

SURVEY = "/public/api/v1/csat_survey"
ANSWER = ["id", "csat_survey_response", "display_type", "content", "inbox_avatar_url",
          "inbox_name", "locale", "conversation_id", "created_at"]  # fmt: skip


async def resolved(client: InboxClient) -> tuple[ContactClient, dict[str, Any]]:
    contact = await client.new_contact(
        await client.new_inbox(settings='{"csat_survey_enabled":true}')
    )
    conversation = await contact.create_conversation()
    await contact.send(conversation["id"], "hi")
    await contact.request("POST", f"/conversations/{conversation['id']}/toggle_status")
    return contact, conversation


def rating(value: object) -> dict[str, object]:
    response = {"rating": value, "feedback_message": "fine"}
    return {"message": {"submitted_values": {"csat_survey_response": response}}}


async def test_resolving_sends_one_survey_each_time_it_was_open(inbox_client: InboxClient) -> None:
    contact, made = await resolved(inbox_client)
    await contact.request("POST", f"/conversations/{made['id']}/toggle_status")
    await contact.send(made["id"], "again")
    await contact.request("POST", f"/conversations/{made['id']}/toggle_status")
    whole = (await contact.request("GET", f"/conversations/{made['id']}")).json()
    kinds = [(m["message_type"], m["content_type"]) for m in whole["messages"]]
    assert kinds == [(0, "text"), (3, "input_csat")] * 2
    assert "sender" not in whole["messages"][1]
    shown = (await inbox_client.web.get(f"{SURVEY}/{made['uuid']}")).json()
    assert shown["id"] == whole["messages"][-1]["id"]


async def test_a_conversation_without_messages_of_the_contact_has_no_survey(
    inbox_client: InboxClient,
) -> None:
    contact = await inbox_client.new_contact(
        await inbox_client.new_inbox(settings='{"csat_survey_enabled":true}')
    )
    conversation = await contact.create_conversation()
    response = await contact.request("POST", f"/conversations/{conversation['id']}/toggle_status")
    assert (response.json()["status"], response.json()["messages"]) == ("resolved", [])


async def test_the_settings_of_the_conversations_own_inbox_decide_on_the_survey(
    inbox_client: InboxClient,
) -> None:
    asking = await inbox_client.new_inbox(settings='{"csat_survey_enabled":true}')
    there = await inbox_client.verified_contact("u1", asking)
    conversation = await there.create_conversation()
    await there.send(conversation["id"], "hi")
    known = await inbox_client.verified_contact("u1")
    response = await known.request("POST", f"/conversations/{conversation['id']}/toggle_status")
    assert [m["content_type"] for m in response.json()["messages"]] == ["text", "input_csat"]


async def test_a_survey_is_shown_and_answered(inbox_client: InboxClient) -> None:
    _, made = await resolved(inbox_client)
    url = f"{SURVEY}/{made['uuid']}"
    shown = (await inbox_client.web.get(url)).json()
    assert list(shown) == ANSWER
    assert (shown["csat_survey_response"], shown["display_type"]) == (None, "emoji")
    assert (shown["inbox_name"], shown["conversation_id"]) == ("Other", made["id"])
    for method in ("PATCH", "PUT"):
        body = (await inbox_client.web.request(method, url, json=rating(4))).json()
        assert body["csat_survey_response"] == {"rating": 4, "feedback_message": "fine"}
    assert (await inbox_client.web.get(url)).json() == body


@pytest.mark.parametrize("value", [0, 6, -1])
async def test_a_rating_is_one_to_five(inbox_client: InboxClient, value: int) -> None:
    _, made = await resolved(inbox_client)
    refused = await inbox_client.web.patch(f"{SURVEY}/{made['uuid']}", json=rating(value))
    assert refused.status_code == 422
    assert refused.json()["attributes"] == ["rating"]


async def test_a_conversation_without_a_survey_is_not_found(inbox_client: InboxClient) -> None:
    conversation = await inbox_client.carol.create_conversation()
    for uuid in (conversation["uuid"], new_id(), "x"):
        assert (await inbox_client.web.get(f"{SURVEY}/{uuid}")).status_code == 404


async def test_after_fourteen_days_it_is_closed(inbox_client: InboxClient) -> None:
    contact, made = await resolved(inbox_client)
    survey = (await inbox_client.web.get(f"{SURVEY}/{made['uuid']}")).json()
    inbox_client.cast.clock.advance(seconds=14 * 86_400 + 1)
    path = f"/conversations/{made['id']}/messages/{survey['id']}"
    values = {"submitted_values": {"csat_survey_response": {"rating": 5}}}
    for refused in (
        await contact.request("PATCH", path, json=values),
        await inbox_client.web.patch(f"{SURVEY}/{made['uuid']}", json=rating(5)),
    ):
        assert refused.status_code == 422
        assert refused.json() == {"error": "You cannot update the CSAT survey after 14 days"}


@pytest.mark.parametrize("first", ["rating", "feedback_message"])
async def test_a_survey_response_may_come_in_parts(inbox_client: InboxClient, first: str) -> None:
    whole = {"rating": 4, "feedback_message": "fine"}
    second = next(name for name in whole if name != first)
    contact, made = await resolved(inbox_client)
    shown = (await contact.request("GET", f"/conversations/{made['id']}")).json()["messages"]
    message = f"/conversations/{made['id']}/messages/{shown[-1]['id']}"
    url = f"{SURVEY}/{made['uuid']}"

    def part(name: str) -> dict[str, object]:
        return {"submitted_values": {"csat_survey_response": {name: whole[name]}}}

    await contact.request("PATCH", message, json=part(first))
    body = (await inbox_client.web.patch(url, json={"message": part(second)})).json()
    assert body["csat_survey_response"] == whole
    again: list[dict[str, object]] = [{"submitted_values": {}}, part(first), part(second)]
    for more in again:
        answered = (await contact.request("PATCH", message, json=more)).json()
        values = answered["content_attributes"]["submitted_values"]
        assert values["csat_survey_response"] == whole
    listed = {"submitted_values": [{"name": "x"}, {"csat_survey_response": {"rating": 5}}]}
    await contact.request("PATCH", message, json=listed)
    assert (await inbox_client.web.get(url)).json()["csat_survey_response"] == whole | {"rating": 5}
