"""Contacts over HTTP: rules 1 to 7 of creating one, and updating with its merges."""

import re
from typing import Any
from uuid import UUID

import pytest

from koine.engine.people import directory
from koine.model.actor import operator
from koine.model.identity import Identity
from tests.dialects.inbox.conftest import BASE, InboxClient

ANSWER = ["source_id", "pubsub_token", "id", "name", "email", "phone_number"]
RECORD = ["id", "name", "email", "phone_number", "account_id", "created_at", "updated_at",
          "additional_attributes", "identifier", "custom_attributes", "last_activity_at",
          "contact_type", "middle_name", "last_name", "location", "country_code", "blocked",
          "company_id", "label_list"]  # fmt: skip


async def record(client: InboxClient, name: str) -> Identity:
    acme = client.cast.acme
    operator_actor = operator(acme.tenant.id)
    return await directory.get(client.cast.engine, operator_actor, acme.id(name), "contact")


async def test_an_inbox_shows_its_working_hours(inbox_client: InboxClient) -> None:
    body = (await inbox_client.web.get(f"{BASE}/{inbox_client.cast.acme.inbox.identifier}")).json()
    days = body.pop("working_hours")
    assert body == {
        "identifier": inbox_client.cast.acme.inbox.identifier,
        "identity_validation_enabled": False,
        "name": "Website",
        "timezone": "UTC",
        "working_hours_enabled": False,
        "csat_survey_enabled": False,
        "greeting_enabled": False,
    }
    assert [d["day_of_week"] for d in days if d["closed_all_day"]] == [0, 6]
    assert [(d["open_hour"], d["close_hour"]) for d in days[:2]] == [(None, None), (9, 17)]


async def test_create_returns_exactly_six_fields(inbox_client: InboxClient) -> None:
    contact = await inbox_client.create_contact(
        name="Eve", email="Eve@Web.test", phone_number="+5511999999999"
    )
    assert list(contact) == ANSWER
    assert (contact["name"], contact["email"]) == ("Eve", "eve@web.test")


async def test_rule_1_a_known_source_id_is_that_contact_unchanged(
    inbox_client: InboxClient,
) -> None:
    carol = inbox_client.cast.acme.contact_inboxes["carol"].source_id
    again = await inbox_client.create_contact(source_id=carol, name="Other", email="other@web.test")
    assert (again["source_id"], again["name"]) == (carol, "Carol Contact")


@pytest.mark.parametrize(
    "known", [{"identifier": "u-1"}, {"email": "E@web.test"}, {"phone_number": "+5511988888888"}]
)
async def test_rule_2_a_trusting_inbox_reuses_an_existing_contact_without_updating(
    inbox_client: InboxClient, known: dict[str, str]
) -> None:
    trusting_inbox = await inbox_client.trusting_inbox()
    first = await inbox_client.create_contact(trusting_inbox, name="First", **known)
    again = await inbox_client.create_contact(trusting_inbox, name="Second", **known)
    assert (again["id"], again["name"]) == (first["id"], "First")
    assert again["source_id"] != first["source_id"]


async def test_rule_2_identifier_comes_before_email(inbox_client: InboxClient) -> None:
    trusting_inbox = await inbox_client.trusting_inbox()
    named = await inbox_client.create_contact(trusting_inbox, identifier="u-1")
    await inbox_client.create_contact(trusting_inbox, email="mail@web.test")
    again = await inbox_client.create_contact(
        trusting_inbox, identifier="u-1", email="mail@web.test"
    )
    assert again["id"] == named["id"]


async def test_rule_3_a_nameless_contact_gets_a_friendly_name(inbox_client: InboxClient) -> None:
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d{1,3}", (await inbox_client.create_contact())["name"])


@pytest.mark.parametrize("fields", [{}, {"source_id": ""}, {"source_id": None}])
async def test_rule_4_no_source_id_is_a_random_uuid(
    inbox_client: InboxClient, fields: dict[str, Any]
) -> None:
    one, two = (
        await inbox_client.create_contact(**fields),
        await inbox_client.create_contact(**fields),
    )
    assert UUID(one["source_id"]) != UUID(two["source_id"])
    assert one["id"] != two["id"]


async def test_rule_5_the_picture_is_kept_not_fetched(inbox_client: InboxClient) -> None:
    contact = await inbox_client.new_contact(avatar_url="http://127.0.0.1:1/a.png")
    conversation = await contact.create_conversation()
    sent = await contact.send(conversation["id"], "hi")
    assert sent["sender"]["thumbnail"] == "http://127.0.0.1:1/a.png"


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", " JAVAscript:x", "\tdata:text/html,x", "vbscript:x", "x.png"]
)
async def test_rule_5_a_picture_that_is_no_link_is_dropped(
    inbox_client: InboxClient, link: str
) -> None:
    contact = await inbox_client.new_contact(avatar_url=link)
    conversation = await contact.create_conversation()
    assert (await contact.send(conversation["id"], "hi"))["sender"]["thumbnail"] == ""
    for avatar_url in (" https://a.test/a.png", link):
        changes = {"avatar_url": avatar_url, "name": "New"}
        assert (await contact.request("PATCH", json=changes)).json()["name"] == "New"
        message = await contact.send(conversation["id"], "hi")
        assert message["sender"]["thumbnail"] == "https://a.test/a.png"


@pytest.mark.parametrize(
    ("fields", "kind"),
    [({}, "visitor"), ({"email": "l@web.test"}, "lead"), ({"phone_number": "+551133"}, "lead")],
)
async def test_rule_7_contact_type(
    inbox_client: InboxClient, fields: dict[str, str], kind: str
) -> None:
    contact = await inbox_client.new_contact(None, **fields)
    assert (await contact.create_conversation())["contact"]["contact_type"] == kind


async def test_a_form_with_an_empty_body_makes_a_contact(inbox_client: InboxClient) -> None:
    url = f"{BASE}/{inbox_client.cast.acme.inbox.identifier}/contacts"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await inbox_client.web.post(url, headers=headers)).status_code == 200
    merged = await inbox_client.web.post(
        url, params={"name": "Query"}, data={"email": "q@web.test"}
    )
    assert (merged.json()["name"], merged.json()["email"]) == ("Query", "q@web.test")


async def test_email_and_phone_are_checked_with_the_exact_texts(inbox_client: InboxClient) -> None:
    url = f"{BASE}/{inbox_client.cast.acme.inbox.identifier}/contacts"
    refused = await inbox_client.web.post(url, json={"email": "no", "phone_number": "123"})
    assert refused.status_code == 422
    assert refused.json() == {
        "message": "Email Invalid email, Phone number should be in e164 format",
        "attributes": ["email", "phone_number"],
    }


@pytest.mark.parametrize("value", ["x" * 1501, 10_000_000_000])
async def test_custom_attributes_have_limits(inbox_client: InboxClient, value: object) -> None:
    refused = await inbox_client.carol.request("PATCH", json={"custom_attributes": {"k": value}})
    assert refused.status_code == 422
    assert refused.json()["attributes"] == ["custom_attributes"]


async def test_get_returns_what_create_did(inbox_client: InboxClient) -> None:
    contact = await inbox_client.create_contact(name="Eve")
    assert (
        await inbox_client.contact_client(contact["source_id"]).request("GET")
    ).json() == contact


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_update_returns_the_full_record(inbox_client: InboxClient, method: str) -> None:
    contact = await inbox_client.new_contact(
        identifier="u-1", custom_attributes={"a": {"b": 1}, "k": 1}
    )
    changes = {"name": "New", "email": "", "identifier": "u-2",
               "custom_attributes": {"a": {"c": 2}}}  # fmt: skip
    body = (await contact.request(method, json=changes)).json()
    assert list(body) == RECORD
    assert (body["name"], body["identifier"], body["email"]) == ("New", "u-1", None)
    assert body["custom_attributes"] == {"a": {"b": 1, "c": 2}, "k": 1}


async def test_attributes_that_the_tenant_wrote_are_not_shown(inbox_client: InboxClient) -> None:
    acme = inbox_client.cast.acme
    changes = directory.PersonChanges(custom_attributes='{"note":"difficult"}')
    operator_actor = operator(acme.tenant.id)
    await directory.change(
        inbox_client.cast.engine, operator_actor, acme.id("carol"), "contact", changes
    )
    body = (
        await inbox_client.carol.request("PATCH", json={"custom_attributes": {"mine": 1}})
    ).json()
    assert body["custom_attributes"] == {"mine": 1}
    assert (await record(inbox_client, "carol")).custom_attributes == '{"note":"difficult"}'


async def test_a_taken_email_merges_the_contact_in_the_path_of_a_trusting_inbox(
    inbox_client: InboxClient,
) -> None:
    contact = await inbox_client.new_contact(await inbox_client.trusting_inbox(), name="Anonymous")
    conversation = await contact.create_conversation()
    await contact.send(conversation["id"], "hi")
    body = (
        await contact.request("PATCH", json={"email": "carol@web.test", "name": "Carol C"})
    ).json()
    assert body["id"] == (await record(inbox_client, "carol")).number
    assert (body["name"], body["email"]) == ("Carol C", "carol@web.test")
    moved = (await contact.request("GET", "/conversations")).json()
    assert [c["id"] for c in moved] == [conversation["id"]]
    assert moved[0]["messages"][0]["sender"]["id"] == body["id"]


async def test_a_merge_shows_an_unverified_contact_no_conversations_of_the_other(
    inbox_client: InboxClient,
) -> None:
    secret = await inbox_client.carol.create_conversation()
    contact = await inbox_client.new_contact(await inbox_client.trusting_inbox())
    body = (await contact.request("PATCH", json={"email": "carol@web.test"})).json()
    assert body["id"] == (await record(inbox_client, "carol")).number
    assert (
        await inbox_client.carol.request("GET", f"/conversations/{secret['id']}")
    ).status_code == 200
    assert (await contact.request("GET", f"/conversations/{secret['id']}")).status_code == 404


async def test_a_taken_phone_merges_unless_the_other_has_another_email(
    inbox_client: InboxClient,
) -> None:
    trusting_inbox = await inbox_client.trusting_inbox()
    other = await inbox_client.create_contact(
        trusting_inbox, phone_number="+5511977777777", email="other@web.test"
    )
    contact = await inbox_client.new_contact(trusting_inbox, email="mine@web.test")
    body = (await contact.request("PATCH", json={"phone_number": "+5511977777777"})).json()
    assert (body["id"] != other["id"], body["phone_number"]) == (True, None)
    lonely = await inbox_client.create_contact(trusting_inbox, phone_number="+5511966666666")
    body = (await contact.request("PATCH", json={"phone_number": "+5511966666666"})).json()
    assert (body["id"], body["email"]) == (lonely["id"], "mine@web.test")


async def test_a_verified_contact_is_never_merged(inbox_client: InboxClient) -> None:
    contact = await inbox_client.new_contact(
        identifier="u-1", identifier_hash=inbox_client.sign("u-1")
    )
    contact.headers["X-Identifier-Hash"] = inbox_client.sign("u-1")
    body = (await contact.request("PATCH", json={"email": "carol@web.test", "name": "N"})).json()
    assert body["id"] != (await record(inbox_client, "carol")).number
    assert (body["name"], body["email"]) == ("N", None)
