"""Messages over HTTP: JSON, forms, files, pages, reopening, and what is never shown."""

import json
from pathlib import Path
from typing import Any

import pytest

from koine.engine.conversations import conversations, messages
from koine.engine.people import directory
from koine.model.actor import operator
from koine.model.conversation import Status
from koine.model.identity import NewIdentity
from koine.model.message import Draft
from tests.dialects.inbox.conftest import ContactClient, InboxClient
from tests.dialects.inbox.pictures import PNG

MESSAGE = ["id", "content", "message_type", "content_type", "content_attributes", "created_at",
           "conversation_id", "sender"]  # fmt: skip
ATTACHMENT = ["id", "message_id", "file_type", "account_id", "extension", "data_url", "thumb_url",
              "file_size", "width", "height"]  # fmt: skip


async def answer(client: InboxClient, uuid: str, text: str, **fields: Any) -> None:
    """Send a message as the agent Alice."""
    alice = client.cast.acme.actor("alice")
    draft = Draft(content=text, sender_id=alice.identity_id, **fields)
    await messages.send(client.cast.engine, alice, uuid, draft)


async def send(contact: ContactClient, number: int, **options: Any) -> Any:
    response = await contact.request("POST", f"/conversations/{number}/messages", **options)
    return response if response.status_code != 200 else response.json()


async def listed(contact: ContactClient, number: int, **params: int) -> list[str]:
    response = await contact.request("GET", f"/conversations/{number}/messages", params=params)
    return [m["content"] for m in response.json()]


async def test_a_message_is_the_contacts_and_incoming(inbox_client: InboxClient) -> None:
    conversation = await inbox_client.carol.create_conversation()
    sent = await send(
        inbox_client.carol, conversation["id"], json={"content": "hi", "message_type": "outgoing"}
    )
    assert list(sent) == MESSAGE
    assert (sent["message_type"], sent["content_type"]) == (0, "text")
    assert (sent["content_attributes"], sent["conversation_id"]) == ({}, conversation["id"])
    assert sent["sender"]["type"] == "contact"
    assert sent["sender"]["name"] == "Carol Contact"


@pytest.mark.parametrize("options", [{"data": {"content": "hi"}}, {"params": {"content": "hi"}}])
async def test_content_may_be_in_a_form_or_in_the_query(
    inbox_client: InboxClient, options: dict[str, Any]
) -> None:
    conversation = await inbox_client.carol.create_conversation()
    assert (await send(inbox_client.carol, conversation["id"], **options))["content"] == "hi"


@pytest.mark.parametrize(
    ("body", "kept"), [({}, None), ({"content": None}, None), ({"content": ""}, "")]
)
async def test_content_may_be_absent(
    inbox_client: InboxClient, body: dict[str, Any], kept: str | None
) -> None:
    conversation = await inbox_client.carol.create_conversation()
    assert (await send(inbox_client.carol, conversation["id"], json=body))["content"] == kept


async def test_content_has_a_limit_with_the_exact_text(inbox_client: InboxClient) -> None:
    conversation = await inbox_client.carol.create_conversation()
    assert (await send(inbox_client.carol, conversation["id"], json={"content": "x" * 150_000}))[
        "id"
    ]
    refused = await send(inbox_client.carol, conversation["id"], json={"content": "x" * 150_001})
    assert refused.status_code == 422
    assert refused.json() == {
        "message": "Content is too long (maximum is 150000 characters)",
        "attributes": ["content"],
    }


async def test_an_echo_id_is_no_idempotency_key(inbox_client: InboxClient) -> None:
    conversation = await inbox_client.carol.create_conversation()
    for _ in range(2):
        await send(inbox_client.carol, conversation["id"], json={"content": "hi", "echo_id": "e1"})
    assert await listed(inbox_client.carol, conversation["id"]) == ["hi", "hi"]


@pytest.mark.parametrize("status", ["snoozed", "closed"])
async def test_a_message_reopens_a_resolved_or_snoozed_conversation(
    inbox_client: InboxClient, status: Status
) -> None:
    conversation = await inbox_client.carol.create_conversation()
    alice = inbox_client.cast.acme.actor("alice")
    changes = conversations.ConversationChanges(status=status)
    await conversations.change(inbox_client.cast.engine, alice, conversation["uuid"], changes)
    await inbox_client.carol.send(conversation["id"], "hi")
    shown = (await inbox_client.carol.request("GET", f"/conversations/{conversation['id']}")).json()
    assert shown["status"] == "open"


async def test_another_contact_is_the_sender_on_a_page_as_in_the_conversation(
    inbox_client: InboxClient,
) -> None:
    made, acme = await inbox_client.carol.create_conversation(), inbox_client.cast.acme
    draft = Draft(content="me too", sender_kind="contact", sender_id=acme.id("dave"))
    await messages.send_unchecked(
        inbox_client.cast.engine, operator(acme.tenant.id), made["uuid"], draft
    )
    path = f"/conversations/{made['id']}"
    shown = (await inbox_client.carol.request("GET", f"{path}/messages")).json()
    assert shown == (await inbox_client.carol.request("GET", path)).json()["messages"]
    assert shown[0]["sender"]["name"].startswith("Dave")


async def test_senders_and_messages_that_are_never_shown(inbox_client: InboxClient) -> None:
    conversation = await inbox_client.carol.create_conversation()
    acme, engine = inbox_client.cast.acme, inbox_client.cast.engine
    bot = await engine.db.write(
        acme.tenant.id, directory.insert_tx, 1, NewIdentity(kind="agent", name="Assistant")
    )
    await answer(inbox_client, conversation["uuid"], "hello")
    await answer(inbox_client, conversation["uuid"], "a note", private=True)
    operator_actor = operator(acme.tenant.id)
    said_by_bot = Draft(content="responder", sender_kind="responder", sender_id=bot.id)
    for draft in (said_by_bot, Draft(content="system", sender_kind="system")):
        await messages.send_unchecked(engine, operator_actor, conversation["uuid"], draft)
    shown = (
        await inbox_client.carol.request("GET", f"/conversations/{conversation['id']}/messages")
    ).json()
    assert [(m["content"], m["message_type"]) for m in shown] == [("hello", 1), ("responder", 1)]
    assert shown[0]["sender"] | {"id": 0} == {
        "id": 0, "name": "Alice User", "available_name": "Alice User", "avatar_url": "",
        "type": "user", "availability_status": "offline", "thumbnail": "",
    }  # fmt: skip
    assert shown[1]["sender"] == {
        "id": bot.number, "name": "Assistant", "avatar_url": "", "type": "agent_bot",
    }  # fmt: skip
    whole = (await inbox_client.carol.request("GET", f"/conversations/{conversation['id']}")).json()
    assert [m["content"] for m in whole["messages"]] == ["hello", "responder"]


async def test_pages_are_the_twenty_newest_oldest_first(inbox_client: InboxClient) -> None:
    conversation = await inbox_client.carol.create_conversation()
    ids = [(await inbox_client.carol.send(conversation["id"], str(n)))["id"] for n in range(1, 26)]
    first = ids[5]
    assert await listed(inbox_client.carol, conversation["id"]) == [str(n) for n in range(6, 26)]
    assert await listed(inbox_client.carol, conversation["id"], before=first) == list("12345")
    assert await listed(inbox_client.carol, conversation["id"], after=ids[22]) == ["24", "25"]
    assert await listed(inbox_client.carol, conversation["id"], before=1) == []


async def test_notices_take_no_place_on_a_page(inbox_client: InboxClient) -> None:
    conversation = await inbox_client.carol.create_conversation()
    await inbox_client.carol.send(conversation["id"], "first")
    operator_actor = operator(inbox_client.cast.acme.tenant.id)
    for _ in range(20):
        notice = Draft(content="closed", sender_kind="system")
        await messages.send_unchecked(
            inbox_client.cast.engine, operator_actor, conversation["uuid"], notice
        )
    assert await listed(inbox_client.carol, conversation["id"]) == ["first"]


async def test_too_many_messages_in_a_minute(inbox_client: InboxClient) -> None:
    conversation = await inbox_client.carol.create_conversation()
    for n in range(200):
        await answer(inbox_client, conversation["uuid"], str(n))
    refused = await send(inbox_client.carol, conversation["id"], json={"content": "201"})
    assert refused.status_code == 422
    assert refused.json() == {"message": "Too many messages", "attributes": ["base"]}
    inbox_client.cast.clock.advance(seconds=61)
    assert (await send(inbox_client.carol, conversation["id"], json={"content": "201"}))[
        "content"
    ] == "201"


async def test_a_retry_does_not_count_as_a_message_too_many(inbox_client: InboxClient) -> None:
    made, key = await inbox_client.carol.create_conversation(), {"Idempotency-Key": "hello"}
    first = await send(inbox_client.carol, made["id"], json={"content": "hello"}, headers=key)
    for n in range(200):
        await answer(inbox_client, made["uuid"], str(n))
    again = await send(inbox_client.carol, made["id"], json={"content": "hello"}, headers=key)
    assert again["id"] == first["id"]


async def test_files_are_stored_and_served(inbox_client: InboxClient) -> None:
    conversation = await inbox_client.carol.create_conversation()
    files = [("attachments[]", ("päper.png", PNG, "image/png")),
             ("attachments[]", ("a.pdf", b"%PDF-1", "application/pdf"))]  # fmt: skip
    sent = await send(inbox_client.carol, conversation["id"], files=files, data={"content": "see"})
    image, paper = sent["attachments"]
    assert list(image) == ATTACHMENT
    assert (image["file_type"], image["extension"]) == ("image", "png")
    assert (image["width"], image["height"], image["file_size"]) == (3, 2, len(PNG))
    assert image["thumb_url"] == image["data_url"]
    assert (paper["file_type"], paper["thumb_url"], paper["width"]) == ("file", "", None)
    assert image["account_id"] == inbox_client.cast.acme.tenant.number
    got = await inbox_client.web.get(image["data_url"])
    assert (got.status_code, got.content) == (200, PNG)


async def test_a_message_may_be_files_alone(inbox_client: InboxClient) -> None:
    conversation = await inbox_client.carol.create_conversation()
    files = {"attachments[]": ("a.mp3", b"ID3", "audio/mpeg")}
    sent = await send(inbox_client.carol, conversation["id"], files=files)
    assert sent["content"] is None
    assert sent["attachments"][0]["file_type"] == "audio"
    assert sent["attachments"][0]["transcribed_text"] == ""


async def test_a_refused_message_leaves_no_file(inbox_client: InboxClient) -> None:
    conversation = await inbox_client.carol.create_conversation()
    files = {"attachments[]": ("a.txt", b"text", "text/plain")}
    data = {"content": "x" * 150_001}
    refused = await send(inbox_client.carol, conversation["id"], files=files, data=data)
    assert refused.status_code == 422
    folder = inbox_client.cast.engine.settings.data_dir
    assert not [p for p in Path(folder, "files").rglob("*") if p.is_file()]


async def test_another_dialects_picture_is_an_attachment(inbox_client: InboxClient) -> None:
    conversation = await inbox_client.carol.create_conversation()
    url = "https://cdn.test/a.png"
    await answer(inbox_client, conversation["uuid"], "look", type="image", content_url=url)
    whole = (await inbox_client.carol.request("GET", f"/conversations/{conversation['id']}")).json()
    assert whole["messages"][0]["attachments"][0]["data_url"] == url


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_submitted_values_are_stored_and_other_keys_dropped(
    inbox_client: InboxClient, method: str
) -> None:
    conversation = await inbox_client.carol.create_conversation()
    content = json.dumps({"items": [1]})
    await answer(
        inbox_client, conversation["uuid"], "form", content_type="form", content_attributes=content
    )
    shown = (
        await inbox_client.carol.request("GET", f"/conversations/{conversation['id']}/messages")
    ).json()
    path = f"/conversations/{conversation['id']}/messages/{shown[0]['id']}"
    values = [{"name": "a", "title": "A", "value": "x", "other": 1}]
    response = await inbox_client.carol.request(
        method, path, json={"submitted_values": values, "content": "no"}
    )
    assert response.json()["content_attributes"] == {
        "items": [1], "submitted_values": [{"name": "a", "title": "A", "value": "x"}],
    }  # fmt: skip
    assert response.json()["content"] == "form"


async def test_a_message_of_another_conversation_cannot_be_changed(
    inbox_client: InboxClient,
) -> None:
    made, other = (
        await inbox_client.carol.create_conversation(),
        await inbox_client.carol.create_conversation(),
    )
    sent = await inbox_client.carol.send(other["id"], "hi")
    for number in (sent["id"], 1, 0, "x"):
        path = f"/conversations/{made['id']}/messages/{number}"
        assert (await inbox_client.carol.request("PATCH", path, json={})).status_code == 404


async def test_one_key_is_one_message_with_one_file(inbox_client: InboxClient) -> None:
    conversation = await inbox_client.carol.create_conversation()
    files = {"attachments[]": ("a.txt", b"text", "text/plain")}
    key = {"Idempotency-Key": "k1"}
    one, two = [
        await send(inbox_client.carol, conversation["id"], files=files, headers=key)
        for _ in range(2)
    ]
    assert one == two
    folder = Path(inbox_client.cast.engine.settings.data_dir, "files")
    assert len([p for p in folder.rglob("*") if p.is_file()]) == 1
