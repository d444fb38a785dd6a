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


async def test_a_new_chat_is_answered_with_200_and_every_field(api: ChatsClient) -> None:
    chat = await api.create_chat(title="Refund")
    acme = api.cast.acme
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
async def test_all_three_keys_of_a_new_chat_are_required(api: ChatsClient, missing: str) -> None:
    body = {"channelId": None, "ownerId": api.cast.acme.id("carol"), "title": None}
    del body[missing]
    response = await api.send("POST", CHATS, body)
    assert response.status_code == 400
    assert response.json()["details"] == [{"field": missing, "message": f"{missing} is required"}]


async def test_a_title_has_at_most_a_thousand_characters(api: ChatsClient) -> None:
    body = {"channelId": None, "ownerId": api.cast.acme.id("carol"), "title": "x" * 1001}
    chat = await api.create_chat(title="x" * 1000)
    for response in (
        await api.send("POST", CHATS, body),
        await api.send("PATCH", f"{CHATS}/{chat['id']}", {"title": "x" * 1001}),
    ):
        assert response.status_code == 400
        assert response.json()["details"][0]["field"] == "title"


async def test_the_owner_may_be_a_user(api: ChatsClient) -> None:
    chat = await api.create_chat("alice")
    details = await api.details(chat)
    assert details["ownerEmail"] == api.cast.acme.people["alice"].email
    assert details["ownerIdentifier"] is None and details["isOwnerBlocked"] is None


async def test_the_details_of_a_contacts_chat(api: ChatsClient) -> None:
    owner = await api.create_contact(
        name="Nora", identifier="n-1", email="n@web.test", blocked=True
    )
    details = await api.details(await api.create_chat(ownerId=owner))
    assert details["ownerName"] == "Nora" and details["ownerIdentifier"] == "n-1"
    assert details["ownerEmail"] is None and details["isOwnerBlocked"] is True
    assert "updatedAt" not in details


@pytest.mark.parametrize(
    ("field", "code"), [("channelId", "CHANNEL_NOT_FOUND"), ("ownerId", "OWNER_NOT_FOUND")]
)
async def test_an_unknown_channel_or_owner_is_a_404(
    api: ChatsClient, field: str, code: str
) -> None:
    body = {"channelId": None, "ownerId": api.cast.acme.id("carol"), "title": None}
    theirs = api.cast.rival.inbox.id if field == "channelId" else api.cast.rival.id("carol")
    nothing = await api.send("POST", CHATS, body | {field: NOWHERE})
    another = await api.send("POST", CHATS, body | {field: theirs})
    assert nothing.status_code == 404 and nothing.json()["code"] == code
    assert nothing.content == another.content


async def test_a_malformed_id_in_a_body_is_a_400(api: ChatsClient) -> None:
    body = {"channelId": "x", "ownerId": api.cast.acme.id("carol"), "title": None}
    assert (await api.send("POST", CHATS, body)).status_code == 400


async def test_the_responder_is_the_channels_own(api: ChatsClient) -> None:
    chat = await api.create_chat(channelId=api.cast.acme.inbox.id)
    details = await api.details(chat)
    assert details["channelName"] == "Website" and details["channelType"] == "api"
    assert details["responderName"] == "Assistant" and details["responderEntity"] == "agents"
    assert details["responderVersionNumber"] == 1 and details["responderVersionId"]


async def test_patch_distinguishes_null_from_absent(api: ChatsClient) -> None:
    path = f"{CHATS}/{(await api.create_chat(title='One'))['id']}"
    assert (await api.send("PATCH", path, {})).json()["title"] == "One"
    at = "2030-01-02T03:04:05.678Z"
    changed = (await api.send("PATCH", path, {"lastChatMessageCreatedAt": at})).json()
    assert changed["title"] == "One" and changed["lastChatMessageCreatedAt"] == at
    changed = (await api.send("PATCH", path, {"title": None})).json()
    assert changed["title"] is None and changed["lastChatMessageCreatedAt"] == at
    changed = (await api.send("PATCH", path, {"lastChatMessageCreatedAt": None})).json()
    assert changed["lastChatMessageCreatedAt"] is None


async def test_the_next_message_overwrites_the_patched_time(api: ChatsClient) -> None:
    chat = await api.create_chat()
    path = f"{CHATS}/{chat['id']}"
    await api.send("PATCH", path, {"lastChatMessageCreatedAt": "2040-01-01T00:00:00Z"})
    message = await api.post_message(chat)
    assert (await api.get(path)).json()["lastChatMessageCreatedAt"] == message["createdAt"]


@pytest.mark.parametrize("bad", [{"lastChatMessageCreatedAt": "soon"}, {"title": 1}])
async def test_a_patch_with_a_wrong_value_is_a_400(api: ChatsClient, bad: Any) -> None:
    path = f"{CHATS}/{(await api.create_chat())['id']}"
    assert (await api.send("PATCH", path, bad)).status_code == 400


async def test_a_removed_chat_leaves_the_lists_and_is_still_found_by_id(
    api: ChatsClient,
) -> None:
    chat = await api.create_chat()
    path = f"{CHATS}/{chat['id']}"
    first, second = [await api.send("DELETE", path) for _ in range(2)]
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json() == {"message": "Chat removed."}
    assert await api.ids() == []
    assert (await api.get(path)).json()["isRemoved"] is True
    assert (await api.details(chat))["isRemoved"] is True


@pytest.mark.parametrize("tail", ["", "/details"])
async def test_an_unknown_chat_and_another_tenants_have_the_same_404(
    api: ChatsClient, tail: str
) -> None:
    chat = await api.create_chat()
    nothing = await api.get(f"{CHATS}/{NOWHERE}{tail}")
    another = await api.get(f"{CHATS}/{chat['id']}{tail}", key=api.cast.rival.key)
    assert nothing.status_code == 404 and nothing.json()["message"] == "Chat not found."
    assert nothing.content == another.content
    assert (await api.get(f"{CHATS}/nothing{tail}")).status_code == 400


async def test_an_id_may_be_written_in_upper_case(api: ChatsClient) -> None:
    chat = await api.create_chat()
    response = await api.get(f"{CHATS}/{chat['id'].upper()}")
    assert response.json() == chat


async def test_a_chat_of_another_version_is_a_404(api: ChatsClient) -> None:
    chat = await api.create_chat()
    path = f"{CHATS}/{chat['id']}/details"
    version = (await api.details(chat))["responderVersionId"]
    assert (await api.get(path, responderVersionId=version)).status_code == 200
    assert (await api.get(path, responderVersionId=NOWHERE)).status_code == 404
    assert (await api.get(path, responderVersionId="")).status_code == 200


async def test_the_previews_are_the_two_newest_messages(api: ChatsClient) -> None:
    chat = await api.create_chat()
    await api.post_message(chat, "one")
    two = await api.post_message(chat, "2" * 300)
    three = await api.post_message(chat, "three", "assistant")
    details = await api.details(chat)
    assert details["lastMessageContent"] == "three"
    assert details["lastMessageRole"] == "assistant"
    assert details["lastMessageCreatedAt"] == three["createdAt"]
    assert details["penultimateMessageContent"] == "2" * 280
    assert details["penultimateMessageRole"] == "user"
    assert details["penultimateMessageCreatedAt"] == two["createdAt"]


async def test_the_owner_has_the_role_user_and_another_user_attendant(
    api: ChatsClient,
) -> None:
    chat, acme = await api.create_chat("alice"), api.cast.acme
    await api.post_message(chat, "mine")
    draft = Draft(content="theirs", sender_id=acme.id("ada"), sender_kind="user")
    await messages.send(api.cast.engine, acme.actor("ada"), chat["id"], draft)
    details = await api.details(chat)
    assert details["penultimateMessageRole"] == "user"
    assert details["lastMessageRole"] == "attendant"
    await api.send("DELETE", f"{CHATS}/{chat['id']}")
    assert (await api.details(chat))["penultimateMessageRole"] == "user"


async def test_the_responder_is_inactive_while_a_ticket_is_open(
    api: ChatsClient,
) -> None:
    chat, admin = await api.create_chat(), operator(api.cast.acme.tenant.id)
    ticket = await tickets.open_(api.cast.engine, admin, chat["id"])
    details = await api.details(chat)
    assert (details["ticketId"], details["ticketStatus"]) == (ticket.id, "pending")
    assert (await api.get(f"{CHATS}/{chat['id']}")).json()["currentResponderId"] is None
    await tickets.complete(api.cast.engine, admin, ticket.id)
    after = (await api.get(f"{CHATS}/{chat['id']}")).json()
    assert after["currentResponderId"] == chat["responderId"]
    assert (await api.details(chat))["ticketStatus"] == "completed"


async def test_a_conversation_without_an_owner_is_its_creators(api: ChatsClient) -> None:
    new = NewConversation(participants=((api.cast.acme.id("dan"), "member"),))
    created = await conversations.create(api.cast.engine, api.cast.acme.actor("alice"), new)
    details = await api.details({"id": created.id})
    assert details["ownerId"] == api.cast.acme.id("alice")
    assert details["ownerEmail"] == api.cast.acme.people["alice"].email


async def test_a_conversation_without_a_creator_has_an_owner_id_too(
    api: ChatsClient,
) -> None:
    new = NewConversation(participants=((api.cast.acme.id("dan"), "member"),))
    created = await conversations.create(api.cast.engine, operator(api.cast.acme.tenant.id), new)
    details = await api.details({"id": created.id})
    assert details["ownerId"] == "00000000-0000-0000-0000-000000000000"
    assert details["ownerName"] is None
    assert (await api.get(CHATS)).json()[0]["ownerId"] == details["ownerId"]


@pytest.mark.parametrize(
    ("ours", "shown"),
    [("email", "api"), ("phone", "api"), ("chat", "widget"), ("whatsapp", "whatsapp")],
)
async def test_a_channel_type_is_shown_and_found_alike(
    api: ChatsClient, ours: Any, shown: str
) -> None:
    admin = operator(api.cast.acme.tenant.id)
    new = inboxes.NewInbox(name=ours, channel_type=ours)
    inbox = await inboxes.create(api.cast.engine, admin, new)
    chat = await api.create_chat(channelId=inbox.id)
    assert (await api.details(chat))["channelType"] == shown
    assert await api.ids(channelTypes=shown) == [chat["id"]]
    assert await api.ids(channelTypes="waha") == []


async def test_put_is_a_405_in_this_dialects_error_format(api: ChatsClient) -> None:
    response = await api.send("PUT", f"{CHATS}/{new_id()}", {})
    assert response.status_code == 405 and response.json()["code"] == "METHOD_NOT_ALLOWED"
