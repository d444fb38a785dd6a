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


async def record(door: InboxClient, name: str) -> Identity:
    acme = door.cast.acme
    boss = operator(acme.tenant.id)
    return await directory.get(door.cast.engine, boss, acme.id(name), "contact")


async def test_an_inbox_tells_its_hours(inbox_client: InboxClient) -> None:
    told = (await inbox_client.web.get(f"{BASE}/{inbox_client.cast.acme.inbox.identifier}")).json()
    days = told.pop("working_hours")
    assert told == {
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


async def test_create_answers_exactly_six_fields(inbox_client: InboxClient) -> None:
    made = await inbox_client.create_contact(
        name="Eve", email="Eve@Web.test", phone_number="+5511999999999"
    )
    assert list(made) == ANSWER
    assert (made["name"], made["email"]) == ("Eve", "eve@web.test")


async def test_rule_1_a_known_source_id_is_that_contact_unchanged(
    inbox_client: InboxClient,
) -> None:
    carol = inbox_client.cast.acme.places["carol"].source_id
    again = await inbox_client.create_contact(source_id=carol, name="Other", email="other@web.test")
    assert (again["source_id"], again["name"]) == (carol, "Carol Contact")


@pytest.mark.parametrize(
    "known", [{"identifier": "u-1"}, {"email": "E@web.test"}, {"phone_number": "+5511988888888"}]
)
async def test_rule_2_a_trusting_inbox_reuses_an_existing_contact_without_updating(
    inbox_client: InboxClient, known: dict[str, str]
) -> None:
    bridge = await inbox_client.api_inbox()
    first = await inbox_client.create_contact(bridge, name="First", **known)
    again = await inbox_client.create_contact(bridge, name="Second", **known)
    assert (again["id"], again["name"]) == (first["id"], "First")
    assert again["source_id"] != first["source_id"]


async def test_rule_2_identifier_comes_before_email(inbox_client: InboxClient) -> None:
    bridge = await inbox_client.api_inbox()
    named = await inbox_client.create_contact(bridge, identifier="u-1")
    await inbox_client.create_contact(bridge, email="mail@web.test")
    again = await inbox_client.create_contact(bridge, identifier="u-1", email="mail@web.test")
    assert again["id"] == named["id"]


async def test_rule_3_a_nameless_contact_gets_a_friendly_name(inbox_client: InboxClient) -> None:
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d{1,3}", (await inbox_client.create_contact())["name"])


@pytest.mark.parametrize("given", [{}, {"source_id": ""}, {"source_id": None}])
async def test_rule_4_no_source_id_is_a_random_uuid(
    inbox_client: InboxClient, given: dict[str, Any]
) -> None:
    one, two = (
        await inbox_client.create_contact(**given),
        await inbox_client.create_contact(**given),
    )
    assert UUID(one["source_id"]) != UUID(two["source_id"])
    assert one["id"] != two["id"]


async def test_rule_5_the_picture_is_kept_not_fetched(inbox_client: InboxClient) -> None:
    guest = await inbox_client.newcomer(avatar_url="http://127.0.0.1:1/a.png")
    made = await guest.open()
    sent = await guest.say(made["id"], "hi")
    assert sent["sender"]["thumbnail"] == "http://127.0.0.1:1/a.png"


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", " JAVAscript:x", "\tdata:text/html,x", "vbscript:x", "x.png"]
)
async def test_rule_5_a_picture_that_is_no_link_is_dropped(
    inbox_client: InboxClient, link: str
) -> None:
    guest = await inbox_client.newcomer(avatar_url=link)
    made = await guest.open()
    assert (await guest.say(made["id"], "hi"))["sender"]["thumbnail"] == ""
    for avatar_url in (" https://a.test/a.png", link):
        changes = {"avatar_url": avatar_url, "name": "New"}
        assert (await guest.call("PATCH", json=changes)).json()["name"] == "New"
        said = await guest.say(made["id"], "hi")
        assert said["sender"]["thumbnail"] == "https://a.test/a.png"


@pytest.mark.parametrize(
    ("given", "kind"),
    [({}, "visitor"), ({"email": "l@web.test"}, "lead"), ({"phone_number": "+551133"}, "lead")],
)
async def test_rule_7_contact_type(
    inbox_client: InboxClient, given: dict[str, str], kind: str
) -> None:
    guest = await inbox_client.newcomer(None, **given)
    assert (await guest.open())["contact"]["contact_type"] == kind


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
    refused = await inbox_client.carol.call("PATCH", json={"custom_attributes": {"k": value}})
    assert refused.status_code == 422
    assert refused.json()["attributes"] == ["custom_attributes"]


async def test_get_answers_as_create_did(inbox_client: InboxClient) -> None:
    made = await inbox_client.create_contact(name="Eve")
    assert (await inbox_client.guest(made["source_id"]).call("GET")).json() == made


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_update_answers_the_full_record(inbox_client: InboxClient, method: str) -> None:
    guest = await inbox_client.newcomer(identifier="u-1", custom_attributes={"a": {"b": 1}, "k": 1})
    changes = {"name": "New", "email": "", "identifier": "u-2",
               "custom_attributes": {"a": {"c": 2}}}  # fmt: skip
    told = (await guest.call(method, json=changes)).json()
    assert list(told) == RECORD
    assert (told["name"], told["identifier"], told["email"]) == ("New", "u-1", None)
    assert told["custom_attributes"] == {"a": {"b": 1, "c": 2}, "k": 1}


async def test_what_the_tenant_noted_stays_inside(inbox_client: InboxClient) -> None:
    acme = inbox_client.cast.acme
    changes = directory.PersonChanges(custom_attributes='{"note":"difficult"}')
    boss = operator(acme.tenant.id)
    await directory.change(inbox_client.cast.engine, boss, acme.id("carol"), "contact", changes)
    told = (await inbox_client.carol.call("PATCH", json={"custom_attributes": {"mine": 1}})).json()
    assert told["custom_attributes"] == {"mine": 1}
    assert (await record(inbox_client, "carol")).custom_attributes == '{"note":"difficult"}'


async def test_a_taken_email_merges_the_contact_in_the_path_of_a_trusting_inbox(
    inbox_client: InboxClient,
) -> None:
    guest = await inbox_client.newcomer(await inbox_client.api_inbox(), name="Anonymous")
    made = await guest.open()
    await guest.say(made["id"], "hi")
    told = (await guest.call("PATCH", json={"email": "carol@web.test", "name": "Carol C"})).json()
    assert told["id"] == (await record(inbox_client, "carol")).number
    assert (told["name"], told["email"]) == ("Carol C", "carol@web.test")
    moved = (await guest.call("GET", "/conversations")).json()
    assert [c["id"] for c in moved] == [made["id"]]
    assert moved[0]["messages"][0]["sender"]["id"] == told["id"]


async def test_a_merge_shows_a_stranger_nothing_of_the_others_conversations(
    inbox_client: InboxClient,
) -> None:
    secret = await inbox_client.carol.open()
    guest = await inbox_client.newcomer(await inbox_client.api_inbox())
    told = (await guest.call("PATCH", json={"email": "carol@web.test"})).json()
    assert told["id"] == (await record(inbox_client, "carol")).number
    assert (
        await inbox_client.carol.call("GET", f"/conversations/{secret['id']}")
    ).status_code == 200
    assert (await guest.call("GET", f"/conversations/{secret['id']}")).status_code == 404


async def test_a_taken_phone_merges_unless_the_other_has_another_email(
    inbox_client: InboxClient,
) -> None:
    bridge = await inbox_client.api_inbox()
    other = await inbox_client.create_contact(
        bridge, phone_number="+5511977777777", email="other@web.test"
    )
    guest = await inbox_client.newcomer(bridge, email="mine@web.test")
    told = (await guest.call("PATCH", json={"phone_number": "+5511977777777"})).json()
    assert (told["id"] != other["id"], told["phone_number"]) == (True, None)
    lonely = await inbox_client.create_contact(bridge, phone_number="+5511966666666")
    told = (await guest.call("PATCH", json={"phone_number": "+5511966666666"})).json()
    assert (told["id"], told["email"]) == (lonely["id"], "mine@web.test")


async def test_a_verified_contact_is_never_merged(inbox_client: InboxClient) -> None:
    guest = await inbox_client.newcomer(identifier="u-1", identifier_hash=inbox_client.sign("u-1"))
    guest.headers["X-Identifier-Hash"] = inbox_client.sign("u-1")
    told = (await guest.call("PATCH", json={"email": "carol@web.test", "name": "N"})).json()
    assert told["id"] != (await record(inbox_client, "carol")).number
    assert (told["name"], told["email"]) == ("N", None)
