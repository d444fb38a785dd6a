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
async def test_a_list_is_a_bare_array_newest_first(api: ChatsClient, path: str) -> None:
    chats = [await api.create_chat() for _ in range(3)]
    await api.post_message(chats[0])
    wanted = [chats[0]["id"], chats[2]["id"], chats[1]["id"]]
    assert await api.ids(path) == wanted
    assert (await api.get(path, key=api.cast.rival.key)).json() == []


@pytest.mark.parametrize("path", BOTH)
async def test_pages_by_number_have_ten_by_default(api: ChatsClient, path: str) -> None:
    ids = [(await api.create_chat())["id"] for _ in range(12)][::-1]
    assert await api.ids(path) == ids[:10]
    assert await api.ids(path, pageNumber=2) == ids[10:]
    assert await api.ids(path, pageNumber="2.0", pageSize=5) == ids[5:10]
    assert await api.ids(path, pageNumber=9_007_199_254_740) == []


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
    api: ChatsClient, path: str, query: dict[str, Any]
) -> None:
    response = await api.get(path, **query)
    assert response.status_code == 400
    assert response.json()["code"] == "INVALID_DATA" and len(response.json()["details"]) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"ownerIds": "x"}, {"channelTypes": "telegram"}, {"channelTypes": "email"},
        {"lastChatMessageCreatedAtStart": "x"}, {"lastChatMessageCreatedAtEnd": "2026-11-20"},
    ],
)  # fmt: skip
async def test_the_filters_of_chats_alone_are_checked_too(
    api: ChatsClient, query: dict[str, Any]
) -> None:
    assert (await api.get(CHATS, **query)).status_code == 400


@pytest.mark.parametrize("path", BOTH)
async def test_a_cursor_leads_through_the_whole_list(api: ChatsClient, path: str) -> None:
    chats = [await api.create_chat() for _ in range(5)]
    at = {"lastChatMessageCreatedAt": "2001-01-01T00:00:00Z"}
    await api.send("PATCH", f"{CHATS}/{chats[4]['id']}", at)
    found, link = [], f"{path}?pageSize=2&pageNumber=1"
    while link:
        response = await api.client.get(link, headers=api.headers())
        found += [chat["id"] for chat in response.json()]
        match = LINK.fullmatch(response.headers.get("link", ""))
        link = match[1] if match else ""
    assert found == [chats[n]["id"] for n in (3, 2, 1, 0, 4)]


async def test_an_overridden_time_sorts_across_pages(api: ChatsClient) -> None:
    first, second, third = [await api.create_chat() for _ in range(3)]
    path = f"{CHATS}/{first['id']}"
    await api.send("PATCH", path, {"lastChatMessageCreatedAt": "2099-01-01T00:00:00Z"})
    assert await api.ids() == [first["id"], third["id"], second["id"]]
    assert await api.ids(pageSize=1, pageNumber=2) == [third["id"]]
    await api.send("PATCH", path, {"lastChatMessageCreatedAt": None})
    assert await api.ids() == [third["id"], second["id"], first["id"]]


@pytest.mark.parametrize("spelling", ["{n}={a}&{n}={b}", "{n}[]={a}&{n}[]={b}", "{n}={a},{b}"])
async def test_every_spelling_of_a_list_of_ids(api: ChatsClient, spelling: str) -> None:
    ids = [await api.create_contact(name=name) for name in ("A", "B", "C")]
    chats = [(await api.create_chat(ownerId=owner))["id"] for owner in ids]
    query = spelling.format(n="ownerIds", a=ids[0], b=ids[1].upper())
    response = await api.client.get(f"{CHATS}?{query}", headers=api.headers())
    assert {chat["id"] for chat in response.json()} == set(chats[:2])


@pytest.mark.parametrize("spelling", ["ownerIds", "ownerIds[]"])
async def test_one_value_is_a_list_and_none_is_no_filter(api: ChatsClient, spelling: str) -> None:
    carol, dave = await api.create_chat("carol"), await api.create_chat("dave")
    assert await api.ids(**{spelling: api.cast.acme.id("carol")}) == [carol["id"]]
    assert await api.ids(**{spelling: ""}) == [dave["id"], carol["id"]]


@pytest.mark.parametrize("path", BOTH)
async def test_chats_are_found_by_channel_and_by_responder(api: ChatsClient, path: str) -> None:
    there, plain = (
        await api.create_chat(channelId=api.cast.acme.inbox.id),
        await api.create_chat(),
    )
    assert await api.ids(path, channelIds=api.cast.acme.inbox.id) == [there["id"]]
    assert await api.ids(path, channelIds=api.cast.rival.inbox.id) == []
    assert await api.ids(path, responderIds=plain["responderId"]) == [
        plain["id"],
        there["id"],
    ]
    assert await api.ids(path, responderIds=there["ownerId"]) == []


async def test_chats_are_found_by_the_responders_version(api: ChatsClient) -> None:
    old, admin = await api.create_chat(), operator(api.cast.acme.tenant.id)
    version = await responders.add_version(
        api.cast.engine, admin, old["responderId"], '{"prompt": "new"}'
    )
    new = await api.create_chat()
    assert await api.ids(responderVersionIds=version.id) == [new["id"]]
    assert (await api.details(new))["responderVersionNumber"] == 2


async def test_only_explicit_channel_types_leave_out_chats_without_a_channel(
    api: ChatsClient,
) -> None:
    there, plain = (
        await api.create_chat(channelId=api.cast.acme.inbox.id),
        await api.create_chat(),
    )
    assert await api.ids() == [plain["id"], there["id"]]
    assert await api.ids(channelTypes="widget,waha,whatsapp,instagram,api") == [there["id"]]


async def test_both_bounds_of_the_last_messages_time_are_inclusive(
    api: ChatsClient,
) -> None:
    api.cast.clock.advance(seconds=0.000123)
    first, second, _silent = [await api.create_chat() for _ in range(3)]
    one, two = (
        (await api.post_message(first))["createdAt"],
        (await api.post_message(second))["createdAt"],
    )
    start, end = "lastChatMessageCreatedAtStart", "lastChatMessageCreatedAtEnd"
    assert await api.ids(**{start: one, end: one}) == [first["id"]]
    assert await api.ids(**{start: one}) == [second["id"], first["id"]]
    assert await api.ids(**{end: one}) == [first["id"]]
    assert await api.ids(**{start: two, end: "null"}) == [second["id"]]
    assert len(await api.ids(**{start: "", end: ""})) == 3


async def test_the_bounds_look_at_the_overridden_time(api: ChatsClient) -> None:
    chat = await api.create_chat()
    await api.post_message(chat)
    at = "2031-05-05T05:05:05.005Z"
    await api.send("PATCH", f"{CHATS}/{chat['id']}", {"lastChatMessageCreatedAt": at})
    start, end = "lastChatMessageCreatedAtStart", "lastChatMessageCreatedAtEnd"
    assert await api.ids(**{start: at, end: at}) == [chat["id"]]
    assert await api.ids(**{end: "2031-01-01T00:00:00Z"}) == []


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize("text", ["REFUND", "nora", "N@WEB", "id-7", "hello", "ÉLAN"])
async def test_search_looks_at_title_owner_and_last_message(
    api: ChatsClient, path: str, text: str
) -> None:
    owner = await api.create_contact(name="Nora", email="n@web.test", identifier="ID-7")
    chat = await api.create_chat(ownerId=owner, title="A refund, with ÉLAN")
    await api.post_message(chat, "Hello there")
    await api.create_chat()
    assert await api.ids(path, search=text) == [chat["id"]]
    assert await api.ids(path, search="100%") == []


async def test_the_owner_that_is_shown_is_the_owner_that_is_found(
    api: ChatsClient,
) -> None:
    cast, alice = api.cast, api.cast.acme.id("alice")
    ownerless = await conversations.create(cast.engine, cast.acme.actor("alice"), NewConversation())
    moved, own = await api.create_chat("alice"), await api.create_chat("alice")
    await api.create_chat("carol")
    at = {"lastChatMessageCreatedAt": "2001-01-01T00:00:00Z"}
    await api.send("PATCH", f"{CHATS}/{moved['id']}", at)
    wanted = [own["id"], ownerless.id, moved["id"]]
    assert await api.ids(ownerIds=alice) == wanted
    assert await api.ids(ownerIds=f"{alice},{cast.acme.id('dave')}") == wanted
    assert await api.ids(search="ALICE") == wanted
    assert await api.ids(ownerIds=alice, pageSize=1, pageNumber=2) == [ownerless.id]


async def test_a_contacts_list_has_nothing_of_others(api: ChatsClient) -> None:
    await api.create_chat("alice")
    carol = await api.create_chat("carol")
    owners = f"{api.cast.acme.id('carol')},{api.cast.acme.id('dave')}"
    assert await api.ids(ownerIds=owners) == [carol["id"]]


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize("text", ["x" * 49_999, "_" * 25_000, "%" * 256, "é" * 256])
async def test_a_search_too_long_is_refused(api: ChatsClient, path: str, text: str) -> None:
    refused = await api.get(path, search=text)
    assert refused.status_code == 400
    assert refused.json()["details"][0]["field"] == "search"


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize("character", ["x", "_", "%", "\\", "\ufdfa", "𒀀"])
async def test_the_longest_search_is_accepted(api: ChatsClient, path: str, character: str) -> None:
    await api.create_chat(title="x")
    assert await api.ids(path, search=character * 255) == []


async def test_an_owner_with_two_names_is_shown_and_found_by_both(
    api: ChatsClient,
) -> None:
    owner = await api.create_contact(first_name="Ana", last_name="Silva")
    chat = await api.create_chat(ownerId=owner)
    assert (await api.details(chat))["ownerName"] == "Ana Silva"
    for path in BOTH:
        assert await api.ids(path, search=" silva  ANA ") == [chat["id"]]
