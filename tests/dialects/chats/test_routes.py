"""Each rule of chats.md, named after it."""

from typing import Any

import pytest

from koine.dialects.chats.chats.schemas import Chat
from koine.engine.contacts import inboxes
from koine.engine.conversations import conversations, messages, tickets
from koine.kit.ids import new_id
from koine.model.actor import operator
from koine.model.conversation import NewConversation
from koine.model.message import Draft
from tests.dialects.chats.conftest import ChatsClient

CHATS = "/api/v1/chats"
NOWHERE = "00000000-0000-7000-8000-000000000000"


async def test_a_new_chat_is_answered_with_200_and_every_field(world: ChatsClient) -> None:
    chat = await world.chat(title="Refund")
    acme = world.cast.acme
    assert list(chat) == [
        "createdAt", "id", "isRemoved", "updatedAt", "channelId", "currentResponderId",
        "lastChatMessageCreatedAt", "ownerId", "responderId", "title", "workspaceId",
    ]  # fmt: skip
    assert len(chat) == len(Chat.__struct_fields__)
    assert chat["responderId"] == acme.tenant.default_responder_id == chat["currentResponderId"]
    assert chat["ownerId"] == acme.id("carol")
    assert chat["workspaceId"] == acme.tenant.id
    assert chat["lastChatMessageCreatedAt"] is None
    assert chat["createdAt"].endswith("Z") and len(chat["createdAt"]) == 24


@pytest.mark.parametrize("missing", ["channelId", "ownerId", "title"])
async def test_all_three_keys_of_a_new_chat_are_required(world: ChatsClient, missing: str) -> None:
    body = {"channelId": None, "ownerId": world.cast.acme.id("carol"), "title": None}
    del body[missing]
    answer = await world.send("POST", CHATS, body)
    assert answer.status_code == 400
    assert answer.json()["details"] == [{"field": missing, "message": f"{missing} is required"}]


async def test_a_title_has_at_most_a_thousand_characters(world: ChatsClient) -> None:
    body = {"channelId": None, "ownerId": world.cast.acme.id("carol"), "title": "x" * 1001}
    chat = await world.chat(title="x" * 1000)
    for answer in (
        await world.send("POST", CHATS, body),
        await world.send("PATCH", f"{CHATS}/{chat['id']}", {"title": "x" * 1001}),
    ):
        assert answer.status_code == 400
        assert answer.json()["details"][0]["field"] == "title"


async def test_the_owner_may_be_a_user(world: ChatsClient) -> None:
    chat = await world.chat("alice")
    details = await world.details(chat)
    assert details["ownerEmail"] == world.cast.acme.people["alice"].email
    assert details["ownerIdentifier"] is None and details["isOwnerBlocked"] is None


async def test_the_details_of_a_contacts_chat(world: ChatsClient) -> None:
    owner = await world.contact(name="Nora", identifier="n-1", email="n@web.test", blocked=True)
    details = await world.details(await world.chat(ownerId=owner))
    assert details["ownerName"] == "Nora" and details["ownerIdentifier"] == "n-1"
    assert details["ownerEmail"] is None and details["isOwnerBlocked"] is True
    assert "updatedAt" not in details


@pytest.mark.parametrize(
    ("field", "code"), [("channelId", "CHANNEL_NOT_FOUND"), ("ownerId", "OWNER_NOT_FOUND")]
)
async def test_an_unknown_channel_or_owner_is_a_404(
    world: ChatsClient, field: str, code: str
) -> None:
    body = {"channelId": None, "ownerId": world.cast.acme.id("carol"), "title": None}
    theirs = world.cast.rival.inbox.id if field == "channelId" else world.cast.rival.id("carol")
    nothing = await world.send("POST", CHATS, body | {field: NOWHERE})
    another = await world.send("POST", CHATS, body | {field: theirs})
    assert nothing.status_code == 404 and nothing.json()["code"] == code
    assert nothing.content == another.content


async def test_a_malformed_id_in_a_body_is_a_400(world: ChatsClient) -> None:
    body = {"channelId": "x", "ownerId": world.cast.acme.id("carol"), "title": None}
    assert (await world.send("POST", CHATS, body)).status_code == 400


async def test_the_responder_is_the_channels_own(world: ChatsClient) -> None:
    chat = await world.chat(channelId=world.cast.acme.inbox.id)
    details = await world.details(chat)
    assert details["channelName"] == "Website" and details["channelType"] == "api"
    assert details["responderName"] == "Assistant" and details["responderEntity"] == "agents"
    assert details["responderVersionNumber"] == 1 and details["responderVersionId"]


async def test_patch_tells_null_from_absent(world: ChatsClient) -> None:
    path = f"{CHATS}/{(await world.chat(title='One'))['id']}"
    assert (await world.send("PATCH", path, {})).json()["title"] == "One"
    at = "2030-01-02T03:04:05.678Z"
    changed = (await world.send("PATCH", path, {"lastChatMessageCreatedAt": at})).json()
    assert changed["title"] == "One" and changed["lastChatMessageCreatedAt"] == at
    changed = (await world.send("PATCH", path, {"title": None})).json()
    assert changed["title"] is None and changed["lastChatMessageCreatedAt"] == at
    changed = (await world.send("PATCH", path, {"lastChatMessageCreatedAt": None})).json()
    assert changed["lastChatMessageCreatedAt"] is None


async def test_the_next_message_overwrites_the_patched_time(world: ChatsClient) -> None:
    chat = await world.chat()
    path = f"{CHATS}/{chat['id']}"
    await world.send("PATCH", path, {"lastChatMessageCreatedAt": "2040-01-01T00:00:00Z"})
    said = await world.say(chat)
    assert (await world.get(path)).json()["lastChatMessageCreatedAt"] == said["createdAt"]


@pytest.mark.parametrize("bad", [{"lastChatMessageCreatedAt": "soon"}, {"title": 1}])
async def test_a_patch_with_a_wrong_value_is_a_400(world: ChatsClient, bad: Any) -> None:
    path = f"{CHATS}/{(await world.chat())['id']}"
    assert (await world.send("PATCH", path, bad)).status_code == 400


async def test_a_removed_chat_leaves_the_lists_and_is_still_found_by_id(world: ChatsClient) -> None:
    chat = await world.chat()
    path = f"{CHATS}/{chat['id']}"
    first, second = [await world.send("DELETE", path) for _ in range(2)]
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json() == {"message": "Chat removed."}
    assert await world.ids() == []
    assert (await world.get(path)).json()["isRemoved"] is True
    assert (await world.details(chat))["isRemoved"] is True


@pytest.mark.parametrize("tail", ["", "/details"])
async def test_what_is_not_there_and_what_is_not_ours_answer_alike(
    world: ChatsClient, tail: str
) -> None:
    chat = await world.chat()
    nothing = await world.get(f"{CHATS}/{NOWHERE}{tail}")
    another = await world.get(f"{CHATS}/{chat['id']}{tail}", key=world.cast.rival.key)
    assert nothing.status_code == 404 and nothing.json()["message"] == "Chat not found."
    assert nothing.content == another.content
    assert (await world.get(f"{CHATS}/nothing{tail}")).status_code == 400


async def test_an_id_may_be_written_in_upper_case(world: ChatsClient) -> None:
    chat = await world.chat()
    answer = await world.get(f"{CHATS}/{chat['id'].upper()}")
    assert answer.json() == chat


async def test_a_chat_of_another_version_is_a_404(world: ChatsClient) -> None:
    chat = await world.chat()
    path = f"{CHATS}/{chat['id']}/details"
    version = (await world.details(chat))["responderVersionId"]
    assert (await world.get(path, responderVersionId=version)).status_code == 200
    assert (await world.get(path, responderVersionId=NOWHERE)).status_code == 404
    assert (await world.get(path, responderVersionId="")).status_code == 200


async def test_the_previews_are_the_two_newest_messages(world: ChatsClient) -> None:
    chat = await world.chat()
    await world.say(chat, "one")
    two = await world.say(chat, "2" * 300)
    three = await world.say(chat, "three", "assistant")
    details = await world.details(chat)
    assert details["lastMessageContent"] == "three"
    assert details["lastMessageRole"] == "assistant"
    assert details["lastMessageCreatedAt"] == three["createdAt"]
    assert details["penultimateMessageContent"] == "2" * 280
    assert details["penultimateMessageRole"] == "user"
    assert details["penultimateMessageCreatedAt"] == two["createdAt"]


async def test_a_user_who_owns_a_chat_speaks_as_user_and_another_as_attendant(
    world: ChatsClient,
) -> None:
    chat, acme = await world.chat("alice"), world.cast.acme
    await world.say(chat, "mine")
    draft = Draft(content="theirs", sender_id=acme.id("ada"), sender_kind="user")
    await messages.send(world.cast.engine, acme.actor("ada"), chat["id"], draft)
    details = await world.details(chat)
    assert details["penultimateMessageRole"] == "user"
    assert details["lastMessageRole"] == "attendant"
    await world.send("DELETE", f"{CHATS}/{chat['id']}")
    assert (await world.details(chat))["penultimateMessageRole"] == "user"


async def test_the_responder_is_silent_while_people_have_the_ticket(world: ChatsClient) -> None:
    chat, boss = await world.chat(), operator(world.cast.acme.tenant.id)
    ticket = await tickets.open_(world.cast.engine, boss, chat["id"])
    details = await world.details(chat)
    assert (details["ticketId"], details["ticketStatus"]) == (ticket.id, "pending")
    assert (await world.get(f"{CHATS}/{chat['id']}")).json()["currentResponderId"] is None
    await tickets.complete(world.cast.engine, boss, ticket.id)
    after = (await world.get(f"{CHATS}/{chat['id']}")).json()
    assert after["currentResponderId"] == chat["responderId"]
    assert (await world.details(chat))["ticketStatus"] == "completed"


async def test_a_conversation_without_an_owner_is_its_creators(world: ChatsClient) -> None:
    new = NewConversation(participants=((world.cast.acme.id("dan"), "member"),))
    made = await conversations.create(world.cast.engine, world.cast.acme.actor("alice"), new)
    details = await world.details({"id": made.id})
    assert details["ownerId"] == world.cast.acme.id("alice")
    assert details["ownerEmail"] == world.cast.acme.people["alice"].email


async def test_a_conversation_of_nobody_has_an_owner_id_all_the_same(world: ChatsClient) -> None:
    new = NewConversation(participants=((world.cast.acme.id("dan"), "member"),))
    made = await conversations.create(world.cast.engine, operator(world.cast.acme.tenant.id), new)
    details = await world.details({"id": made.id})
    assert details["ownerId"] == "00000000-0000-0000-0000-000000000000"
    assert details["ownerName"] is None
    assert (await world.get(CHATS)).json()[0]["ownerId"] == details["ownerId"]


@pytest.mark.parametrize(
    ("ours", "shown"),
    [("email", "api"), ("phone", "api"), ("chat", "widget"), ("whatsapp", "whatsapp")],
)
async def test_a_channel_type_is_shown_and_found_alike(
    world: ChatsClient, ours: Any, shown: str
) -> None:
    boss = operator(world.cast.acme.tenant.id)
    new = inboxes.NewInbox(name=ours, channel_type=ours)
    inbox = await inboxes.create(world.cast.engine, boss, new)
    chat = await world.chat(channelId=inbox.id)
    assert (await world.details(chat))["channelType"] == shown
    assert await world.ids(channelTypes=shown) == [chat["id"]]
    assert await world.ids(channelTypes="waha") == []


async def test_put_is_not_allowed_and_says_so_in_this_shape(world: ChatsClient) -> None:
    answer = await world.send("PUT", f"{CHATS}/{new_id()}", {})
    assert answer.status_code == 405 and answer.json()["code"] == "METHOD_NOT_ALLOWED"
