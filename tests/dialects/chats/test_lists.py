"""The lists of chats.md: filters, pages, order."""

import re
from typing import Any

import pytest

from koine.engine.conversations import conversations
from koine.engine.people import responders
from koine.model.actor import operator
from koine.model.conversation import NewConversation
from tests.dialects.chats.conftest import ChatsClient

CHATS = "/api/v1/chats"
BOTH = [CHATS, f"{CHATS}/details"]
LINK = re.compile(r'<http://koine\.test(.+)>; rel="next"')


@pytest.mark.parametrize("path", BOTH)
async def test_a_list_is_a_bare_array_newest_first(world: ChatsClient, path: str) -> None:
    chats = [await world.chat() for _ in range(3)]
    await world.say(chats[0])
    wanted = [chats[0]["id"], chats[2]["id"], chats[1]["id"]]
    assert await world.ids(path) == wanted
    assert (await world.get(path, key=world.cast.rival.key)).json() == []


@pytest.mark.parametrize("path", BOTH)
async def test_pages_by_number_have_ten_by_default(world: ChatsClient, path: str) -> None:
    ids = [(await world.chat())["id"] for _ in range(12)][::-1]
    assert await world.ids(path) == ids[:10]
    assert await world.ids(path, pageNumber=2) == ids[10:]
    assert await world.ids(path, pageNumber="2.0", pageSize=5) == ids[5:10]
    assert await world.ids(path, pageNumber=9_007_199_254_740) == []


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize(
    "query",
    [
        {"pageNumber": 0}, {"pageNumber": "1.5"}, {"pageNumber": "x"}, {"pageSize": 0},
        {"pageSize": 101}, {"pageSize": "10.5"}, {"channelIds": "x"}, {"responderIds[]": "1"},
        {"responderVersionIds": "null"}, {"cursor": "!"}, {"cursor": "YWJj"}, {"cursor": "MS54"},
    ],
)  # fmt: skip
async def test_what_is_out_of_range_or_malformed_is_a_400(
    world: ChatsClient, path: str, query: dict[str, Any]
) -> None:
    answer = await world.get(path, **query)
    assert answer.status_code == 400
    assert answer.json()["code"] == "INVALID_DATA" and len(answer.json()["details"]) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"ownerIds": "x"}, {"channelTypes": "telegram"}, {"channelTypes": "email"},
        {"lastChatMessageCreatedAtStart": "x"}, {"lastChatMessageCreatedAtEnd": "2026-11-20"},
    ],
)  # fmt: skip
async def test_the_filters_of_chats_alone_are_checked_too(
    world: ChatsClient, query: dict[str, Any]
) -> None:
    assert (await world.get(CHATS, **query)).status_code == 400


@pytest.mark.parametrize("path", BOTH)
async def test_a_cursor_leads_through_the_whole_list(world: ChatsClient, path: str) -> None:
    chats = [await world.chat() for _ in range(5)]
    at = {"lastChatMessageCreatedAt": "2001-01-01T00:00:00Z"}
    await world.send("PATCH", f"{CHATS}/{chats[4]['id']}", at)
    found, link = [], f"{path}?pageSize=2&pageNumber=1"
    while link:
        answer = await world.client.get(link, headers=world.headers())
        found += [chat["id"] for chat in answer.json()]
        match = LINK.fullmatch(answer.headers.get("link", ""))
        link = match[1] if match else ""
    assert found == [chats[n]["id"] for n in (3, 2, 1, 0, 4)]


async def test_an_overridden_time_sorts_across_pages(world: ChatsClient) -> None:
    first, second, third = [await world.chat() for _ in range(3)]
    path = f"{CHATS}/{first['id']}"
    await world.send("PATCH", path, {"lastChatMessageCreatedAt": "2099-01-01T00:00:00Z"})
    assert await world.ids() == [first["id"], third["id"], second["id"]]
    assert await world.ids(pageSize=1, pageNumber=2) == [third["id"]]
    await world.send("PATCH", path, {"lastChatMessageCreatedAt": None})
    assert await world.ids() == [third["id"], second["id"], first["id"]]


@pytest.mark.parametrize("spelling", ["{n}={a}&{n}={b}", "{n}[]={a}&{n}[]={b}", "{n}={a},{b}"])
async def test_every_spelling_of_a_list_of_ids(world: ChatsClient, spelling: str) -> None:
    ids = [await world.contact(name=name) for name in ("A", "B", "C")]
    chats = [(await world.chat(ownerId=owner))["id"] for owner in ids]
    query = spelling.format(n="ownerIds", a=ids[0], b=ids[1].upper())
    answer = await world.client.get(f"{CHATS}?{query}", headers=world.headers())
    assert {chat["id"] for chat in answer.json()} == set(chats[:2])


@pytest.mark.parametrize("spelling", ["ownerIds", "ownerIds[]"])
async def test_one_value_is_a_list_and_none_is_no_filter(world: ChatsClient, spelling: str) -> None:
    carol, dave = await world.chat("carol"), await world.chat("dave")
    assert await world.ids(**{spelling: world.cast.acme.id("carol")}) == [carol["id"]]
    assert await world.ids(**{spelling: ""}) == [dave["id"], carol["id"]]


@pytest.mark.parametrize("path", BOTH)
async def test_chats_are_found_by_channel_and_by_responder(world: ChatsClient, path: str) -> None:
    there, plain = await world.chat(channelId=world.cast.acme.inbox.id), await world.chat()
    assert await world.ids(path, channelIds=world.cast.acme.inbox.id) == [there["id"]]
    assert await world.ids(path, channelIds=world.cast.rival.inbox.id) == []
    assert await world.ids(path, responderIds=plain["responderId"]) == [plain["id"], there["id"]]
    assert await world.ids(path, responderIds=there["ownerId"]) == []


async def test_chats_are_found_by_the_responders_version(world: ChatsClient) -> None:
    old, boss = await world.chat(), operator(world.cast.acme.tenant.id)
    version = await responders.add_version(
        world.cast.engine, boss, old["responderId"], '{"prompt": "new"}'
    )
    new = await world.chat()
    assert await world.ids(responderVersionIds=version.id) == [new["id"]]
    assert (await world.details(new))["responderVersionNumber"] == 2


async def test_only_explicit_channel_types_leave_out_chats_without_a_channel(
    world: ChatsClient,
) -> None:
    there, plain = await world.chat(channelId=world.cast.acme.inbox.id), await world.chat()
    assert await world.ids() == [plain["id"], there["id"]]
    assert await world.ids(channelTypes="widget,waha,whatsapp,instagram,api") == [there["id"]]


async def test_both_bounds_of_the_last_messages_time_are_inclusive(world: ChatsClient) -> None:
    world.cast.clock.advance(seconds=0.000123)
    first, second, _silent = [await world.chat() for _ in range(3)]
    one, two = (await world.say(first))["createdAt"], (await world.say(second))["createdAt"]
    start, end = "lastChatMessageCreatedAtStart", "lastChatMessageCreatedAtEnd"
    assert await world.ids(**{start: one, end: one}) == [first["id"]]
    assert await world.ids(**{start: one}) == [second["id"], first["id"]]
    assert await world.ids(**{end: one}) == [first["id"]]
    assert await world.ids(**{start: two, end: "null"}) == [second["id"]]
    assert len(await world.ids(**{start: "", end: ""})) == 3


async def test_the_bounds_look_at_the_overridden_time(world: ChatsClient) -> None:
    chat = await world.chat()
    await world.say(chat)
    at = "2031-05-05T05:05:05.005Z"
    await world.send("PATCH", f"{CHATS}/{chat['id']}", {"lastChatMessageCreatedAt": at})
    start, end = "lastChatMessageCreatedAtStart", "lastChatMessageCreatedAtEnd"
    assert await world.ids(**{start: at, end: at}) == [chat["id"]]
    assert await world.ids(**{end: "2031-01-01T00:00:00Z"}) == []


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize("text", ["REFUND", "nora", "N@WEB", "id-7", "hello", "ÉLAN"])
async def test_search_looks_at_title_owner_and_last_message(
    world: ChatsClient, path: str, text: str
) -> None:
    owner = await world.contact(name="Nora", email="n@web.test", identifier="ID-7")
    chat = await world.chat(ownerId=owner, title="A refund, with ÉLAN")
    await world.say(chat, "Hello there")
    await world.chat()
    assert await world.ids(path, search=text) == [chat["id"]]
    assert await world.ids(path, search="100%") == []


async def test_the_owner_that_is_shown_is_the_owner_that_is_found(world: ChatsClient) -> None:
    cast, alice = world.cast, world.cast.acme.id("alice")
    ownerless = await conversations.create(cast.engine, cast.acme.actor("alice"), NewConversation())
    moved, own = await world.chat("alice"), await world.chat("alice")
    await world.chat("carol")
    at = {"lastChatMessageCreatedAt": "2001-01-01T00:00:00Z"}
    await world.send("PATCH", f"{CHATS}/{moved['id']}", at)
    wanted = [own["id"], ownerless.id, moved["id"]]
    assert await world.ids(ownerIds=alice) == wanted
    assert await world.ids(ownerIds=f"{alice},{cast.acme.id('dave')}") == wanted
    assert await world.ids(search="ALICE") == wanted
    assert await world.ids(ownerIds=alice, pageSize=1, pageNumber=2) == [ownerless.id]


async def test_a_contacts_list_has_nothing_of_others(world: ChatsClient) -> None:
    await world.chat("alice")
    carol = await world.chat("carol")
    owners = f"{world.cast.acme.id('carol')},{world.cast.acme.id('dave')}"
    assert await world.ids(ownerIds=owners) == [carol["id"]]


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize("text", ["x" * 49_999, "_" * 25_000, "%" * 256, "é" * 256])
async def test_a_search_too_long_is_refused(world: ChatsClient, path: str, text: str) -> None:
    refused = await world.get(path, search=text)
    assert refused.status_code == 400
    assert refused.json()["details"][0]["field"] == "search"


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize("letter", ["x", "_", "%", "\\", "\ufdfa", "𒀀"])
async def test_the_longest_search_is_answered(world: ChatsClient, path: str, letter: str) -> None:
    await world.chat(title="x")
    assert await world.ids(path, search=letter * 255) == []


async def test_an_owner_with_two_names_is_shown_and_found_by_both(world: ChatsClient) -> None:
    owner = await world.contact(first_name="Ana", last_name="Silva")
    chat = await world.chat(ownerId=owner)
    assert (await world.details(chat))["ownerName"] == "Ana Silva"
    for path in BOTH:
        assert await world.ids(path, search=" silva  ANA ") == [chat["id"]]
