"""The path authenticates; an identity hash verifies the contact."""

import pytest

from koine.dialects.inbox import InboxDialect
from tests.cast import http
from tests.dialects.inbox.conftest import BASE, InboxClient

HASHED = {"identity_required": True}
UNAUTHORIZED = b'{"status":401,"error":"Unauthorized"}'
NOTHING = b'{"status":404,"error":"Not Found"}'


@pytest.mark.parametrize("path", ["", "/contacts/x", "/contacts/x/conversations", "/nothing"])
async def test_an_unknown_inbox_is_not_found(inbox_client: InboxClient, path: str) -> None:
    response = await inbox_client.web.get(f"{BASE}/unknown{path}")
    assert (response.status_code, response.content) == (404, NOTHING)


async def test_a_source_id_opens_its_own_inbox_alone(inbox_client: InboxClient) -> None:
    other = await inbox_client.new_inbox()
    source_id = inbox_client.cast.acme.contact_inboxes["carol"].source_id
    assert (await inbox_client.contact_client(source_id).request("GET")).status_code == 200
    assert (await inbox_client.contact_client(source_id, other).request("GET")).content == NOTHING
    rival = inbox_client.contact_client(source_id, inbox_client.cast.rival.inbox)
    assert (await rival.request("GET")).content == NOTHING


async def test_unknown_headers_are_ignored(inbox_client: InboxClient) -> None:
    contact = inbox_client.carol
    contact.headers["Authorization"] = "Bearer nonsense"
    contact.headers["api_access_token"] = "nonsense"
    assert (await contact.request("GET")).status_code == 200


async def test_any_origin_may_call(inbox_client: InboxClient) -> None:
    contact = inbox_client.carol
    contact.headers["Origin"] = "https://shop.example"
    response = await contact.request("GET")
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize(
    "body", [{}, {"identifier": "u"}, {"identifier": "u", "identifier_hash": "0"}]
)
async def test_an_inbox_that_requires_an_identity_refuses_unverified_contacts(
    inbox_client: InboxClient, body: dict[str, str]
) -> None:
    inbox = await inbox_client.new_inbox(**HASHED)
    response = await inbox_client.web.post(f"{BASE}/{inbox.identifier}/contacts", json=body)
    assert (response.status_code, response.content) == (401, UNAUTHORIZED)


async def test_a_wrong_hash_is_refused_where_none_is_required(inbox_client: InboxClient) -> None:
    url = f"{BASE}/{inbox_client.cast.acme.inbox.identifier}/contacts"
    body = {"identifier": "u", "identifier_hash": inbox_client.sign("v")}
    assert (await inbox_client.web.post(url, json=body)).status_code == 401


@pytest.mark.parametrize("path", ["", "/conversations", "/conversations/1/messages"])
async def test_a_hash_once_shown_is_required_on_every_route(
    inbox_client: InboxClient, path: str
) -> None:
    contact = await inbox_client.new_contact(identifier="u", identifier_hash=inbox_client.sign("u"))
    assert (await contact.request("GET", path)).content == UNAUTHORIZED
    shown = await contact.request("GET", path, params={"identifier_hash": inbox_client.sign("u")})
    assert shown.status_code in (200, 404)
    contact.headers["X-Identifier-Hash"] = inbox_client.sign("v")
    assert (await contact.request("GET", path)).content == UNAUTHORIZED


async def test_a_hash_is_bound_to_the_contact_in_the_path(inbox_client: InboxClient) -> None:
    inbox = await inbox_client.new_inbox(**HASHED)
    own = await inbox_client.new_contact(
        inbox, identifier="me", identifier_hash=inbox_client.sign("me", inbox)
    )
    yours = await inbox_client.new_contact(
        inbox, identifier="you", identifier_hash=inbox_client.sign("you", inbox)
    )
    own.headers["X-Identifier-Hash"] = yours.headers["X-Identifier-Hash"] = inbox_client.sign(
        "me", inbox
    )
    assert (await own.request("GET")).status_code == 200
    assert (await yours.request("GET")).status_code == 401


async def test_a_known_source_id_does_not_bypass_the_hash(inbox_client: InboxClient) -> None:
    contact = await inbox_client.new_contact(identifier="u", identifier_hash=inbox_client.sign("u"))
    url = f"{BASE}/{contact.inbox.identifier}/contacts"
    for body in ({}, {"identifier": "v", "identifier_hash": inbox_client.sign("v")}):
        refused = await inbox_client.web.post(url, json={"source_id": contact.source_id, **body})
        assert refused.status_code == 401


async def test_an_update_may_have_its_hash_in_the_body(inbox_client: InboxClient) -> None:
    contact = await inbox_client.new_contact(identifier="u", identifier_hash=inbox_client.sign("u"))
    changes = {"name": "New"}
    assert (await contact.request("PATCH", json=changes)).status_code == 401
    changes["identifier_hash"] = inbox_client.sign("u")
    assert (await contact.request("PATCH", json=changes)).status_code == 200


async def test_calls_are_limited_for_each_address_and_contact(inbox_client: InboxClient) -> None:
    engine = inbox_client.cast.engine
    engine.settings = type(engine.settings)(inbox_rate_limit_per_minute=2)
    async with http(engine, InboxDialect()) as web:
        carol, dave = (
            f"{BASE}/{inbox_client.carol.inbox.identifier}/contacts/{g.source_id}"
            for g in (inbox_client.carol, inbox_client.dave)
        )
        assert [(await web.get(carol)).status_code for _ in range(3)] == [200, 200, 429]
        throttled = await web.get(carol)
        assert (throttled.text, throttled.headers["retry-after"]) == ("Retry later", "30")
        assert (await web.get(dave)).status_code == 200
