"""Messages, inboxes and users: the neighbours of helpdesk.md, over HTTP."""

import pytest

from koine.engine import conversations, messages
from koine.engine.conversations import ConversationChanges
from koine.kit.ids import new_id
from koine.model.actor import operator
from koine.model.message import Draft
from tests.dialects.helpdesk.conftest import Desk


async def test_a_key_speaks_as_its_user(desk: Desk) -> None:
    made = await desk.made()
    answer = await desk.call("POST", f"/{made['_id']}/messages", {"text": "On its way"})
    assert answer.status_code == 201
    data = answer.json()["data"]
    alice = {"_id": desk.acme.id("alice"), "type": "user", "name": "Alice User"}
    assert data == {
        "_id": data["_id"], "conversationId": made["_id"], "text": "On its way",
        "direction": "outbound", "isPrivate": False, "sender": alice, "attachments": [],
        "createdAt": data["createdAt"],
    }  # fmt: skip


async def test_messages_are_listed_newest_first_with_private_notes(desk: Desk) -> None:
    path = f"/{(await desk.made())['_id']}/messages"
    for number in range(3):
        await desk.call("POST", path, {"text": f"no. {number}", "isPrivate": number == 1})
    pages = [(await desk.call("GET", path, page=page, limit=2)).json() for page in (1, 2)]
    texts = [[m["text"] for m in each["data"]] for each in pages]
    assert texts == [["no. 2", "no. 1"], ["no. 0"]]
    assert pages[0]["data"][1]["isPrivate"] is True
    assert pages[0]["pagination"] == {"total": 3, "page": 1, "limit": 2, "totalPages": 2}


async def test_a_contact_is_a_customer_and_its_message_inbound(desk: Desk) -> None:
    carol, boss = desk.acme.id("carol"), operator(desk.acme.tenant.id)
    made = await desk.made(customerId=carol)
    said = Draft(content="Where is it?", sender_id=carol, sender_kind="contact")
    await messages.send(desk.cast.engine, boss, made["_id"], said)
    data = (await desk.call("GET", f"/{made['_id']}/messages")).json()["data"][0]
    assert data["direction"] == "inbound"
    assert data["sender"] == {"_id": carol, "type": "customer", "name": "Carol Contact"}


async def test_a_message_leaves_a_closed_conversation_closed(desk: Desk) -> None:
    made, boss = await desk.made(), operator(desk.acme.tenant.id)
    await conversations.change(
        desk.cast.engine, boss, made["_id"], ConversationChanges(status="closed")
    )
    answer = await desk.call("POST", f"/{made['_id']}/messages", {"text": "bye"})
    assert answer.status_code == 201
    assert (await desk.call("GET", f"/{made['_id']}")).json()["data"]["status"] == "closed"


@pytest.mark.parametrize(
    ("field", "value"),
    [("text", ""), ("text", " \n"), ("text", None), ("isPrivate", "yes"), ("attachments", ["a"])],
)
async def test_a_bad_message_is_a_validation_error(desk: Desk, field: str, value: object) -> None:
    path = f"/{(await desk.made())['_id']}/messages"
    answer = await desk.call("POST", path, {"text": "hello"} | {field: value})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["field"] == field


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_messages_of_no_conversation_of_ours_are_not_found(desk: Desk, method: str) -> None:
    for each, status in ((new_id(), 404), ("abc", 400)):
        answer = await desk.call(method, f"/{each}/messages", {"text": "hello"})
        assert answer.status_code == status


async def test_the_key_of_a_repeated_post_is_the_messages_own(desk: Desk) -> None:
    path = f"/{(await desk.made())['_id']}/messages"
    headers = desk.headers | {"Idempotency-Key": "once"}
    first, again = [await desk.call("POST", path, {"text": "hi"}, headers) for _ in "12"]
    assert first.json()["data"]["_id"] == again.json()["data"]["_id"]
    other = {"Idempotency-Key": "once"} | desk.cast.bearer("ada")
    third = await desk.call("POST", path, {"text": "hi"}, other)
    assert third.json()["data"]["_id"] != first.json()["data"]["_id"]


async def test_inboxes_are_listed(desk: Desk) -> None:
    body = (await desk.call("GET", "/api/v1/inboxes")).json()
    assert body["pagination"]["total"] == 1
    inbox = body["data"][0]
    assert inbox == {
        "_id": desk.acme.inbox.id, "name": "Website", "channel": "chat",
        "createdAt": inbox["createdAt"],
    }  # fmt: skip


async def test_users_are_listed_without_contacts_and_responders(desk: Desk) -> None:
    body = (await desk.call("GET", "/api/v1/users", limit=2)).json()
    ada = desk.acme.people["ada"]
    assert body["pagination"] == {"total": 6, "page": 1, "limit": 2, "totalPages": 3}
    assert body["data"][0] == {
        "_id": ada.id, "firstName": "Ada", "lastName": "User", "name": "Ada User",
        "email": ada.email, "role": "tenant_admin",
    }  # fmt: skip


async def test_health_needs_no_credential(desk: Desk) -> None:
    answer = await desk.call("GET", "/api/v1/health", headers={})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
