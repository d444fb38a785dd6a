"""Messages, inboxes and users (helpdesk.md, Neighbours)."""

import pytest

from koine.engine.conversations import conversations, messages
from koine.engine.conversations.conversations import ConversationChanges
from koine.kit.ids import new_id
from koine.model.actor import operator
from koine.model.message import Draft
from tests.dialects.helpdesk.conftest import HelpdeskClient


async def test_a_key_posts_as_its_user(helpdesk_client: HelpdeskClient) -> None:
    created = await helpdesk_client.create()
    response = await helpdesk_client.call(
        "POST", f"/{created['_id']}/messages", {"text": "On its way"}
    )
    assert response.status_code == 201
    data = response.json()["data"]
    alice = {"_id": helpdesk_client.acme.id("alice"), "type": "user", "name": "Alice User"}
    assert data == {
        "_id": data["_id"], "conversationId": created["_id"], "text": "On its way",
        "direction": "outbound", "isPrivate": False, "sender": alice, "attachments": [],
        "createdAt": data["createdAt"],
    }  # fmt: skip


async def test_messages_are_listed_newest_first_with_private_notes(
    helpdesk_client: HelpdeskClient,
) -> None:
    path = f"/{(await helpdesk_client.create())['_id']}/messages"
    for number in range(3):
        await helpdesk_client.call(
            "POST", path, {"text": f"no. {number}", "isPrivate": number == 1}
        )
    pages = [
        (await helpdesk_client.call("GET", path, page=page, limit=2)).json() for page in (1, 2)
    ]
    texts = [[m["text"] for m in each["data"]] for each in pages]
    assert texts == [["no. 2", "no. 1"], ["no. 0"]]
    assert pages[0]["data"][1]["isPrivate"] is True
    assert pages[0]["pagination"] == {"total": 3, "page": 1, "limit": 2, "totalPages": 2}


async def test_a_contact_is_a_customer_and_its_message_inbound(
    helpdesk_client: HelpdeskClient,
) -> None:
    carol, admin = helpdesk_client.acme.id("carol"), operator(helpdesk_client.acme.tenant.id)
    created = await helpdesk_client.create(customerId=carol)
    draft = Draft(content="Where is it?", sender_id=carol, sender_kind="contact")
    await messages.send(helpdesk_client.cast.engine, admin, created["_id"], draft)
    data = (await helpdesk_client.call("GET", f"/{created['_id']}/messages")).json()["data"][0]
    assert data["direction"] == "inbound"
    assert data["sender"] == {"_id": carol, "type": "customer", "name": "Carol Contact"}


async def test_a_message_leaves_a_closed_conversation_closed(
    helpdesk_client: HelpdeskClient,
) -> None:
    created, admin = await helpdesk_client.create(), operator(helpdesk_client.acme.tenant.id)
    await conversations.change(
        helpdesk_client.cast.engine, admin, created["_id"], ConversationChanges(status="closed")
    )
    response = await helpdesk_client.call("POST", f"/{created['_id']}/messages", {"text": "bye"})
    assert response.status_code == 201
    assert (await helpdesk_client.call("GET", f"/{created['_id']}")).json()["data"][
        "status"
    ] == "closed"


@pytest.mark.parametrize(
    ("field", "value"),
    [("text", ""), ("text", " \n"), ("text", None), ("isPrivate", "yes"), ("attachments", ["a"])],
)
async def test_a_bad_message_is_a_validation_error(
    helpdesk_client: HelpdeskClient, field: str, value: object
) -> None:
    path = f"/{(await helpdesk_client.create())['_id']}/messages"
    response = await helpdesk_client.call("POST", path, {"text": "hello"} | {field: value})
    assert response.status_code == 422
    assert response.json()["error"]["details"]["field"] == field


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_messages_of_no_conversation_of_ours_are_not_found(
    helpdesk_client: HelpdeskClient, method: str
) -> None:
    for each, status in ((new_id(), 404), ("abc", 400)):
        response = await helpdesk_client.call(method, f"/{each}/messages", {"text": "hello"})
        assert response.status_code == status


async def test_the_key_of_a_repeated_post_is_the_messages_own(
    helpdesk_client: HelpdeskClient,
) -> None:
    path = f"/{(await helpdesk_client.create())['_id']}/messages"
    headers = helpdesk_client.headers | {"Idempotency-Key": "once"}
    first, again = [await helpdesk_client.call("POST", path, {"text": "hi"}, headers) for _ in "12"]
    assert first.json()["data"]["_id"] == again.json()["data"]["_id"]
    other = {"Idempotency-Key": "once"} | helpdesk_client.cast.bearer("ada")
    third = await helpdesk_client.call("POST", path, {"text": "hi"}, other)
    assert third.json()["data"]["_id"] != first.json()["data"]["_id"]


async def test_inboxes_are_listed(helpdesk_client: HelpdeskClient) -> None:
    body = (await helpdesk_client.call("GET", "/api/v1/inboxes")).json()
    assert body["pagination"]["total"] == 1
    inbox = body["data"][0]
    assert inbox == {
        "_id": helpdesk_client.acme.inbox.id, "name": "Website", "channel": "chat",
        "createdAt": inbox["createdAt"],
    }  # fmt: skip


async def test_users_are_listed_without_contacts_and_responders(
    helpdesk_client: HelpdeskClient,
) -> None:
    body = (await helpdesk_client.call("GET", "/api/v1/users", limit=2)).json()
    ada = helpdesk_client.acme.people["ada"]
    assert body["pagination"] == {"total": 6, "page": 1, "limit": 2, "totalPages": 3}
    assert body["data"][0] == {
        "_id": ada.id, "firstName": "Ada", "lastName": "User", "name": "Ada User",
        "email": ada.email, "role": "tenant_admin",
    }  # fmt: skip


async def test_health_needs_no_credential(helpdesk_client: HelpdeskClient) -> None:
    response = await helpdesk_client.call("GET", "/api/v1/health", headers={})
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
