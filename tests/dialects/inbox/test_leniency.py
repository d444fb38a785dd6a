"""Scalars are accepted as text and empty lists as empty objects, as the original does (F)."""

from typing import Any

import pytest

from tests.dialects.inbox.conftest import BASE, InboxClient
from tests.dialects.inbox.test_contacts import record
from tests.dialects.inbox.test_survey import SURVEY, resolved

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_numbers_and_booleans_are_taken_as_text(inbox_client: InboxClient) -> None:
    fields = {
        "identifier": 4,
        "name": 5.5,
        "source_id": 1234567,
        "email": "",
        "custom_attributes": [],
    }
    contact = await inbox_client.create_contact(None, **fields)
    assert (contact["name"], contact["source_id"]) == ("5.5", "1234567")
    again = await inbox_client.web.get(
        f"{BASE}/{inbox_client.cast.acme.inbox.identifier}/contacts/1234567"
    )
    assert again.json() == contact
    body = (
        await inbox_client.contact_client("1234567").request("PATCH", json={"name": True})
    ).json()
    assert (body["identifier"], body["name"], body["custom_attributes"]) == ("4", "true", {})


async def test_a_number_for_a_phone_is_validated_as_text(inbox_client: InboxClient) -> None:
    response = await inbox_client.carol.request("PATCH", json={"phone_number": 5511999999999})
    assert (response.status_code, response.json()["attributes"]) == (422, ["phone_number"])


async def test_a_list_or_object_is_no_text(inbox_client: InboxClient) -> None:
    for value in (["a"], {"a": 1}):
        response = await inbox_client.carol.request("PATCH", json={"name": value})
        assert (response.status_code, response.json()["attributes"]) == (422, ["name"])


@pytest.mark.parametrize("body", [b"[]", b'{"custom_attributes":[]}', b'{"custom_attributes":""}'])
async def test_an_empty_list_is_no_attributes(inbox_client: InboxClient, body: bytes) -> None:
    json = {"Content-Type": "application/json"}
    await inbox_client.carol.request("PATCH", json={"custom_attributes": {"mine": 1}})
    response = await inbox_client.carol.request("PATCH", content=body, headers=json)
    assert response.json()["custom_attributes"] == {"mine": 1}
    opened = await inbox_client.carol.request("POST", "/conversations", content=body, headers=json)
    assert opened.status_code == 200
    created = await inbox_client.web.post(
        f"{BASE}/{inbox_client.cast.acme.inbox.identifier}/contacts", content=body, headers=json
    )
    assert created.status_code == 200


@pytest.mark.parametrize("body", ["custom_attributes[]=", "custom_attributes="])
async def test_a_form_may_have_no_attributes_too(inbox_client: InboxClient, body: str) -> None:
    response = await inbox_client.carol.request("PATCH", content=body + "&name=New", headers=FORM)
    assert (response.json()["name"], response.json()["custom_attributes"]) == ("New", {})
    assert (await record(inbox_client, "carol")).custom_attributes == "{}"


@pytest.mark.parametrize(("content", "text"), [(4, "4"), (False, "false"), ("", ""), (None, None)])
async def test_content_that_is_no_text_is_converted_to_text(
    inbox_client: InboxClient, content: object, text: str | None
) -> None:
    conversation = await inbox_client.carol.create_conversation()
    path = f"/conversations/{conversation['id']}/messages"
    response = await inbox_client.carol.request(
        "POST", path, json={"content": content, "echo_id": True}
    )
    assert (response.status_code, response.json()["content"]) == (200, text)


@pytest.mark.parametrize("value", ["5", 5.0, "5.0"])
async def test_a_rating_may_be_text_or_a_whole_fraction(
    inbox_client: InboxClient, value: object
) -> None:
    contact, made = await resolved(inbox_client)
    response: dict[str, Any] = {"rating": value, "feedback_message": 10}
    wanted = {"rating": 5, "feedback_message": "10"}
    values = {"submitted_values": {"csat_survey_response": response}}
    page = f"{SURVEY}/{made['uuid']}"
    result = await inbox_client.web.patch(page, json={"message": values})
    assert result.json()["csat_survey_response"] == wanted
    path = f"/conversations/{made['id']}/messages/{result.json()['id']}"
    assert (await contact.request("PATCH", path, json=values)).status_code == 200
    key = "message[submitted_values][csat_survey_response]"
    form = f"{key}[rating]={value}&{key}[feedback_message]=10"
    assert (await inbox_client.web.patch(page, content=form, headers=FORM)).status_code == 200
    assert (await inbox_client.web.get(page)).json()["csat_survey_response"] == wanted


@pytest.mark.parametrize("nothing", [{}, [], {"submitted_values": []}, {"submitted_values": ""}])
async def test_an_empty_survey_response_keeps_the_one_before(
    inbox_client: InboxClient, nothing: object
) -> None:
    _, made = await resolved(inbox_client)
    page = f"{SURVEY}/{made['uuid']}"
    body = {"submitted_values": {"csat_survey_response": {"rating": 4}}}
    await inbox_client.web.patch(page, json={"message": body})
    assert (await inbox_client.web.patch(page, json={"message": nothing})).status_code == 200
    assert (await inbox_client.web.get(page)).json()["csat_survey_response"]["rating"] == 4


@pytest.mark.parametrize("value", ["five", 4.5, True, [5]])
async def test_what_is_no_whole_number_is_no_rating(
    inbox_client: InboxClient, value: object
) -> None:
    _, made = await resolved(inbox_client)
    values = {"submitted_values": {"csat_survey_response": {"rating": value}}}
    response = await inbox_client.web.patch(f"{SURVEY}/{made['uuid']}", json={"message": values})
    assert response.status_code == 422
