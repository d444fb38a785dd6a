"""Chat messages (F), and how they are posted (D)."""

import re
from typing import Any

import pytest

from koine.engine.conversations import conversations, messages, tickets
from koine.kit.ids import new_id
from koine.model.actor import operator
from koine.model.message import Draft
from tests.dialects.chats.conftest import ChatsClient

MESSAGES = "/api/v1/chat-messages"


async def test_a_posted_message_has_every_field(world: ChatsClient) -> None:
    chat = await world.chat()
    said = await world.say(chat, "Hello", externalId="e-1")
    assert list(said) == [
        "createdAt", "id", "updatedAt", "chatId", "chatThreadId", "content", "externalId",
        "rawContent", "role", "senderId",
    ]  # fmt: skip
    assert said["chatId"] == chat["id"] and said["senderId"] == chat["ownerId"]
    assert (said["role"], said["externalId"], said["content"]) == ("user", "e-1", "Hello")
    assert said["chatThreadId"] is None and said["rawContent"] is None


async def test_messages_come_oldest_first_with_their_roles(world: ChatsClient) -> None:
    chat, acme = await world.chat(), world.cast.acme
    one, two = await world.say(chat, "one"), await world.say(chat, "two", "assistant")
    draft = Draft(content="three", sender_id=acme.id("alice"), sender_kind="user")
    await messages.send(world.cast.engine, acme.actor("alice"), chat["id"], draft)
    found = (await world.get(MESSAGES, chatId=chat["id"])).json()
    assert found[:2] == [one, two]
    assert [m["role"] for m in found] == ["user", "assistant", "attendant"]
    assert two["senderId"] == chat["responderId"]


async def test_a_private_note_is_never_shown(world: ChatsClient) -> None:
    chat, acme = await world.chat(), world.cast.acme
    note = Draft(content="psst", sender_id=acme.id("alice"), sender_kind="user", private=True)
    await messages.send(world.cast.engine, acme.actor("alice"), chat["id"], note)
    assert (await world.get(MESSAGES, chatId=chat["id"])).json() == []
    assert (await world.details(chat))["lastMessageContent"] is None


async def test_the_same_external_id_twice_is_one_message(world: ChatsClient) -> None:
    chat, other = await world.chat(), await world.chat()
    first, again = [await world.say(chat, "hi", externalId="e-1") for _ in range(2)]
    assert first == again
    assert (await world.say(other, "hi", externalId="e-1"))["id"] != first["id"]
    assert len((await world.get(MESSAGES, chatId=chat["id"])).json()) == 1


async def test_the_owners_message_reopens_a_closed_chat(world: ChatsClient) -> None:
    chat, alice = await world.chat(), world.cast.acme.actor("alice")
    closed = conversations.ConversationChanges(status="closed")
    await conversations.change(world.cast.engine, alice, chat["id"], closed)
    await world.say(chat, "still there", "assistant")
    shown = await conversations.get(world.cast.engine, alice, chat["id"])
    assert shown.one.status == "closed"
    await world.say(chat)
    shown = await conversations.get(world.cast.engine, alice, chat["id"])
    assert shown.one.status != "closed"


async def test_a_user_who_owns_the_chat_speaks_as_user(world: ChatsClient) -> None:
    said = await world.say(await world.chat("alice"))
    assert said["role"] == "user" and said["senderId"] == world.cast.acme.id("alice")


@pytest.mark.parametrize(
    "limit",
    ["pagination[limit]=2", 'pagination={"limit":2}', "limit=2", "pagination[limit]=2.0"],
)
async def test_every_spelling_of_the_limit(world: ChatsClient, limit: str) -> None:
    chat = await world.chat()
    said = [await world.say(chat, str(n)) for n in range(3)]
    url = f"{MESSAGES}?chatId={chat['id']}&{limit}"
    answer = await world.client.get(url, headers=world.headers())
    assert answer.json() == said[:2]
    link = re.fullmatch(r'<(.+)>; rel="next"', answer.headers["link"])
    assert link is not None
    rest = await world.client.get(link[1], headers=world.headers())
    assert rest.json() == said[2:] and "link" not in rest.headers


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0}, {"limit": 1001}, {"limit": "1.5"}, {"pagination": "2"},
        {"pagination": "{"}, {"pagination": '{"limit":0}'}, {"joins": "x"}, {"ticketIds": "x"},
        {"chatThreadId": "x"}, {"chatId": "x"}, {"chatId": ""}, {"cursor": "x"},
    ],
)  # fmt: skip
async def test_a_bad_query_is_a_400(world: ChatsClient, query: dict[str, Any]) -> None:
    chat = await world.chat()
    answer = await world.get(MESSAGES, **({"chatId": chat["id"]} | query))
    assert answer.status_code == 400


async def test_the_joins_are_accepted(world: ChatsClient) -> None:
    chat = await world.chat()
    said = await world.say(chat)
    joins = "chat-message-follow-ups,senders"
    assert (await world.get(MESSAGES, chatId=chat["id"], joins=joins)).json() == [said]


async def test_there_are_no_threads(world: ChatsClient) -> None:
    chat = await world.chat()
    await world.say(chat)
    thread = new_id()
    assert (await world.get(MESSAGES, chatId=chat["id"], chatThreadId=thread)).json() == []
    body = {"chatId": chat["id"], "content": "x", "role": "user", "chatThreadId": thread}
    answer = await world.send("POST", MESSAGES, body)
    assert answer.status_code == 404 and answer.json()["code"] == "CHAT_THREAD_NOT_FOUND"


async def test_the_messages_of_a_ticket_are_those_said_while_it_was_open(
    world: ChatsClient,
) -> None:
    chat, boss = await world.chat(), operator(world.cast.acme.tenant.id)
    await world.say(chat, "before")
    ticket = await tickets.open_(world.cast.engine, boss, chat["id"])
    during = await world.say(chat, "during")
    await tickets.complete(world.cast.engine, boss, ticket.id)
    world.cast.clock.advance(seconds=1)
    await world.say(chat, "after")
    query = {"chatId": chat["id"], "ticketIds": f"{ticket.id},{new_id()}"}
    assert (await world.get(MESSAGES, **query)).json() == [during]


@pytest.mark.parametrize(
    "bad",
    [
        {"content": None}, {"content": " "}, {"role": "attendant"}, {"chatId": "x"},
        {"externalId": ""}, {"externalId": "e" * 251}, {"content": "x" * 150_001},
    ],
)  # fmt: skip
async def test_a_message_that_cannot_be_posted_is_a_400(world: ChatsClient, bad: Any) -> None:
    chat = await world.chat()
    body = {"chatId": chat["id"], "content": "x", "role": "user"} | bad
    assert (await world.send("POST", MESSAGES, body)).status_code == 400


async def test_a_chat_that_is_gone_or_anothers_takes_and_shows_no_message(
    world: ChatsClient,
) -> None:
    chat = await world.chat()
    body = {"chatId": chat["id"], "content": "x", "role": "user"}
    another = await world.send("POST", MESSAGES, body, key=world.cast.rival.key)
    await world.send("DELETE", f"/api/v1/chats/{chat['id']}")
    gone = await world.send("POST", MESSAGES, body)
    assert another.status_code == gone.status_code == 404
    assert another.content == gone.content
    assert (await world.get(MESSAGES, chatId=chat["id"])).status_code == 404


async def test_an_idempotency_key_is_the_messages_own_for_ever(world: ChatsClient) -> None:
    chat = await world.chat()
    body = {"chatId": chat["id"], "content": "x", "role": "user"}
    headers = world.headers() | {"Idempotency-Key": "k-1"}
    said = [
        (await world.client.post(MESSAGES, json=body, headers=headers)).json() for _ in range(2)
    ]
    assert said[0] == said[1] and said[0]["externalId"] is None


async def test_a_blocked_owner_says_nothing_more(world: ChatsClient) -> None:
    owner = await world.contact(name="Nora", blocked=True)
    chat = await world.chat(ownerId=owner)
    body = {"chatId": chat["id"], "content": "hi", "role": "user"}
    assert (await world.send("POST", MESSAGES, body)).status_code == 403
    assert (await world.get(MESSAGES, chatId=chat["id"])).json() == []
