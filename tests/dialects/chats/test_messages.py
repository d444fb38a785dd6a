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


async def test_a_posted_message_has_every_field(api: ChatsClient) -> None:
    chat = await api.create_chat()
    message = await api.post_message(chat, "Hello", externalId="e-1")
    assert list(message) == [
        "createdAt", "id", "updatedAt", "chatId", "chatThreadId", "content", "externalId",
        "rawContent", "role", "senderId",
    ]  # fmt: skip
    assert message["chatId"] == chat["id"] and message["senderId"] == chat["ownerId"]
    assert (message["role"], message["externalId"], message["content"]) == ("user", "e-1", "Hello")
    assert message["chatThreadId"] is None and message["rawContent"] is None


async def test_messages_come_oldest_first_with_their_roles(api: ChatsClient) -> None:
    chat, acme = await api.create_chat(), api.cast.acme
    one, two = (
        await api.post_message(chat, "one"),
        await api.post_message(chat, "two", "assistant"),
    )
    draft = Draft(content="three", sender_id=acme.id("alice"), sender_kind="user")
    await messages.send(api.cast.engine, acme.actor("alice"), chat["id"], draft)
    found = (await api.get(MESSAGES, chatId=chat["id"])).json()
    assert found[:2] == [one, two]
    assert [m["role"] for m in found] == ["user", "assistant", "attendant"]
    assert two["senderId"] == chat["responderId"]


async def test_a_private_note_is_never_shown(api: ChatsClient) -> None:
    chat, acme = await api.create_chat(), api.cast.acme
    note = Draft(content="psst", sender_id=acme.id("alice"), sender_kind="user", private=True)
    await messages.send(api.cast.engine, acme.actor("alice"), chat["id"], note)
    assert (await api.get(MESSAGES, chatId=chat["id"])).json() == []
    assert (await api.details(chat))["lastMessageContent"] is None


async def test_the_same_external_id_twice_is_one_message(api: ChatsClient) -> None:
    chat, other = await api.create_chat(), await api.create_chat()
    first, again = [await api.post_message(chat, "hi", externalId="e-1") for _ in range(2)]
    assert first == again
    assert (await api.post_message(other, "hi", externalId="e-1"))["id"] != first["id"]
    assert len((await api.get(MESSAGES, chatId=chat["id"])).json()) == 1


async def test_the_owners_message_reopens_a_closed_chat(api: ChatsClient) -> None:
    chat, alice = await api.create_chat(), api.cast.acme.actor("alice")
    closed = conversations.ConversationChanges(status="closed")
    await conversations.change(api.cast.engine, alice, chat["id"], closed)
    await api.post_message(chat, "still there", "assistant")
    shown = await conversations.get(api.cast.engine, alice, chat["id"])
    assert shown.one.status == "closed"
    await api.post_message(chat)
    shown = await conversations.get(api.cast.engine, alice, chat["id"])
    assert shown.one.status != "closed"


async def test_the_owners_messages_have_the_role_user(api: ChatsClient) -> None:
    message = await api.post_message(await api.create_chat("alice"))
    assert message["role"] == "user" and message["senderId"] == api.cast.acme.id("alice")


@pytest.mark.parametrize(
    "limit",
    ["pagination[limit]=2", 'pagination={"limit":2}', "limit=2", "pagination[limit]=2.0"],
)
async def test_every_spelling_of_the_limit(api: ChatsClient, limit: str) -> None:
    chat = await api.create_chat()
    messages = [await api.post_message(chat, str(n)) for n in range(3)]
    url = f"{MESSAGES}?chatId={chat['id']}&{limit}"
    response = await api.client.get(url, headers=api.headers())
    assert response.json() == messages[:2]
    link = re.fullmatch(r'<(.+)>; rel="next"', response.headers["link"])
    assert link is not None
    rest = await api.client.get(link[1], headers=api.headers())
    assert rest.json() == messages[2:] and "link" not in rest.headers


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0}, {"limit": 1001}, {"limit": "1.5"}, {"pagination": "2"},
        {"pagination": "{"}, {"pagination": '{"limit":0}'}, {"joins": "x"}, {"ticketIds": "x"},
        {"chatThreadId": "x"}, {"chatId": "x"}, {"chatId": ""}, {"cursor": "x"},
    ],
)  # fmt: skip
async def test_a_bad_query_is_a_400(api: ChatsClient, query: dict[str, Any]) -> None:
    chat = await api.create_chat()
    response = await api.get(MESSAGES, **({"chatId": chat["id"]} | query))
    assert response.status_code == 400


async def test_the_parameters_for_joins_are_accepted(api: ChatsClient) -> None:
    chat = await api.create_chat()
    message = await api.post_message(chat)
    joins = "chat-message-follow-ups,senders"
    assert (await api.get(MESSAGES, chatId=chat["id"], joins=joins)).json() == [message]


async def test_there_are_no_threads(api: ChatsClient) -> None:
    chat = await api.create_chat()
    await api.post_message(chat)
    thread = new_id()
    assert (await api.get(MESSAGES, chatId=chat["id"], chatThreadId=thread)).json() == []
    body = {"chatId": chat["id"], "content": "x", "role": "user", "chatThreadId": thread}
    response = await api.send("POST", MESSAGES, body)
    assert response.status_code == 404 and response.json()["code"] == "CHAT_THREAD_NOT_FOUND"


async def test_the_messages_of_a_ticket_are_those_sent_while_it_was_open(
    api: ChatsClient,
) -> None:
    chat, admin = await api.create_chat(), operator(api.cast.acme.tenant.id)
    await api.post_message(chat, "before")
    ticket = await tickets.open_(api.cast.engine, admin, chat["id"])
    during = await api.post_message(chat, "during")
    await tickets.complete(api.cast.engine, admin, ticket.id)
    api.cast.clock.advance(seconds=1)
    await api.post_message(chat, "after")
    query = {"chatId": chat["id"], "ticketIds": f"{ticket.id},{new_id()}"}
    assert (await api.get(MESSAGES, **query)).json() == [during]


@pytest.mark.parametrize(
    "bad",
    [
        {"content": None}, {"content": " "}, {"role": "attendant"}, {"chatId": "x"},
        {"externalId": ""}, {"externalId": "e" * 251}, {"content": "x" * 150_001},
    ],
)  # fmt: skip
async def test_a_message_that_cannot_be_posted_is_a_400(api: ChatsClient, bad: Any) -> None:
    chat = await api.create_chat()
    body = {"chatId": chat["id"], "content": "x", "role": "user"} | bad
    assert (await api.send("POST", MESSAGES, body)).status_code == 400


async def test_a_removed_chat_and_another_tenants_accept_and_show_no_message(
    api: ChatsClient,
) -> None:
    chat = await api.create_chat()
    body = {"chatId": chat["id"], "content": "x", "role": "user"}
    another = await api.send("POST", MESSAGES, body, key=api.cast.rival.key)
    await api.send("DELETE", f"/api/v1/chats/{chat['id']}")
    gone = await api.send("POST", MESSAGES, body)
    assert another.status_code == gone.status_code == 404
    assert another.content == gone.content
    assert (await api.get(MESSAGES, chatId=chat["id"])).status_code == 404


async def test_an_idempotency_key_is_stored_with_the_message(api: ChatsClient) -> None:
    chat = await api.create_chat()
    body = {"chatId": chat["id"], "content": "x", "role": "user"}
    headers = api.headers() | {"Idempotency-Key": "k-1"}
    messages = [
        (await api.client.post(MESSAGES, json=body, headers=headers)).json() for _ in range(2)
    ]
    assert messages[0] == messages[1] and messages[0]["externalId"] is None


async def test_a_blocked_owner_cannot_post(api: ChatsClient) -> None:
    owner = await api.create_contact(name="Nora", blocked=True)
    chat = await api.create_chat(ownerId=owner)
    body = {"chatId": chat["id"], "content": "hi", "role": "user"}
    assert (await api.send("POST", MESSAGES, body)).status_code == 403
    assert (await api.get(MESSAGES, chatId=chat["id"])).json() == []
