"""The path is the authority; an identity hash raises it."""

import pytest

from koine.dialects.inbox import InboxDialect
from tests.cast import http
from tests.dialects.inbox.conftest import BASE, Door

HASHED = {"identity_required": True}
UNAUTHORIZED = b'{"status":401,"error":"Unauthorized"}'
NOTHING = b'{"status":404,"error":"Not Found"}'


@pytest.mark.parametrize("path", ["", "/contacts/x", "/contacts/x/conversations", "/nothing"])
async def test_an_unknown_inbox_is_nothing(door: Door, path: str) -> None:
    answer = await door.web.get(f"{BASE}/unknown{path}")
    assert (answer.status_code, answer.content) == (404, NOTHING)


async def test_a_source_id_opens_its_own_inbox_alone(door: Door) -> None:
    other = await door.inbox()
    source_id = door.cast.acme.places["carol"].source_id
    assert (await door.guest(source_id).call("GET")).status_code == 200
    assert (await door.guest(source_id, other).call("GET")).content == NOTHING
    rival = door.guest(source_id, door.cast.rival.inbox)
    assert (await rival.call("GET")).content == NOTHING


async def test_unknown_headers_are_ignored(door: Door) -> None:
    guest = door.carol
    guest.headers["Authorization"] = "Bearer nonsense"
    guest.headers["api_access_token"] = "nonsense"
    assert (await guest.call("GET")).status_code == 200


async def test_any_origin_may_call(door: Door) -> None:
    guest = door.carol
    guest.headers["Origin"] = "https://shop.example"
    answer = await guest.call("GET")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "given", [{}, {"identifier": "u"}, {"identifier": "u", "identifier_hash": "0"}]
)
async def test_an_inbox_that_demands_identity_refuses_strangers(
    door: Door, given: dict[str, str]
) -> None:
    inbox = await door.inbox(**HASHED)
    answer = await door.web.post(f"{BASE}/{inbox.identifier}/contacts", json=given)
    assert (answer.status_code, answer.content) == (401, UNAUTHORIZED)


async def test_a_wrong_hash_is_refused_where_none_is_asked_for(door: Door) -> None:
    url = f"{BASE}/{door.cast.acme.inbox.identifier}/contacts"
    given = {"identifier": "u", "identifier_hash": door.sign("v")}
    assert (await door.web.post(url, json=given)).status_code == 401


@pytest.mark.parametrize("path", ["", "/conversations", "/conversations/1/messages"])
async def test_a_hash_once_shown_is_asked_for_on_every_route(door: Door, path: str) -> None:
    guest = await door.newcomer(identifier="u", identifier_hash=door.sign("u"))
    assert (await guest.call("GET", path)).content == UNAUTHORIZED
    shown = await guest.call("GET", path, params={"identifier_hash": door.sign("u")})
    assert shown.status_code in (200, 404)
    guest.headers["X-Identifier-Hash"] = door.sign("v")
    assert (await guest.call("GET", path)).content == UNAUTHORIZED


async def test_a_hash_is_bound_to_the_contact_in_the_path(door: Door) -> None:
    inbox = await door.inbox(**HASHED)
    mine = await door.newcomer(inbox, identifier="me", identifier_hash=door.sign("me", inbox))
    yours = await door.newcomer(inbox, identifier="you", identifier_hash=door.sign("you", inbox))
    mine.headers["X-Identifier-Hash"] = yours.headers["X-Identifier-Hash"] = door.sign("me", inbox)
    assert (await mine.call("GET")).status_code == 200
    assert (await yours.call("GET")).status_code == 401


async def test_a_known_source_id_is_no_way_round_the_hash(door: Door) -> None:
    guest = await door.newcomer(identifier="u", identifier_hash=door.sign("u"))
    url = f"{BASE}/{guest.inbox.identifier}/contacts"
    for given in ({}, {"identifier": "v", "identifier_hash": door.sign("v")}):
        refused = await door.web.post(url, json={"source_id": guest.source_id, **given})
        assert refused.status_code == 401


async def test_an_update_may_bring_its_hash_in_the_body(door: Door) -> None:
    guest = await door.newcomer(identifier="u", identifier_hash=door.sign("u"))
    changes = {"name": "New"}
    assert (await guest.call("PATCH", json=changes)).status_code == 401
    changes["identifier_hash"] = door.sign("u")
    assert (await guest.call("PATCH", json=changes)).status_code == 200


async def test_calls_are_limited_for_each_address_and_contact(door: Door) -> None:
    engine = door.cast.engine
    engine.settings = type(engine.settings)(inbox_rate_limit_per_minute=2)
    async with http(engine, InboxDialect()) as web:
        carol, dave = (
            f"{BASE}/{door.carol.inbox.identifier}/contacts/{g.source_id}"
            for g in (door.carol, door.dave)
        )
        assert [(await web.get(carol)).status_code for _ in range(3)] == [200, 200, 429]
        throttled = await web.get(carol)
        assert (throttled.text, throttled.headers["retry-after"]) == ("Retry later", "30")
        assert (await web.get(dave)).status_code == 200
