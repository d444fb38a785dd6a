"""Each rule of helpdesk.md about conversations, named after it."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from koine.engine import audit_log
from koine.engine.conversations import conversations, files, messages
from koine.engine.conversations.conversations import ConversationChanges
from koine.kit.ids import new_id
from koine.model.actor import operator
from koine.model.conversation import NewConversation
from koine.model.message import Draft
from koine.model.page import Window
from koine.store.core.db import Database
from tests.dialects.helpdesk.conftest import HelpdeskClient, make_client


class TextFile:
    """An upload that is read in one chunk."""

    name = "file.txt"
    content_type = "text/plain"

    def __init__(self) -> None:
        self._left = b"Dear all"

    async def read(self, size: int = -1) -> bytes:
        data, self._left = self._left, b""
        return data


async def test_a_list_has_data_and_pagination(helpdesk_client: HelpdeskClient) -> None:
    created = await helpdesk_client.create()
    body = (await helpdesk_client.call("GET")).json()
    pagination = {"total": 1, "page": 1, "limit": 50, "totalPages": 1}
    assert body == {"success": True, "data": [created], "pagination": pagination}


async def test_the_newest_activity_comes_first(helpdesk_client: HelpdeskClient) -> None:
    created = []
    for number in range(3):
        helpdesk_client.cast.clock.advance(seconds=1)
        created.append((await helpdesk_client.create(subject=f"No. {number}"))["_id"])
    helpdesk_client.cast.clock.advance(seconds=1)
    await helpdesk_client.call("POST", f"/{created[0]}/messages", {"text": "hello"})
    assert await helpdesk_client.list_ids() == [created[0], created[2], created[1]]


@pytest.mark.parametrize(
    ("status", "found"),
    [
        ("open", ["open"]), ("closed", ["closed"]), ("pending", ["pending", "snoozed"]),
        ("", ["open", "pending", "snoozed", "closed"]),
    ],
)  # fmt: skip
async def test_filter_by_status(
    helpdesk_client: HelpdeskClient, status: str, found: list[str]
) -> None:
    admin = operator(helpdesk_client.acme.tenant.id)
    ids = {}
    for each in ("open", "pending", "snoozed", "closed"):
        ids[each] = (await helpdesk_client.create())["_id"]
        await conversations.change(
            helpdesk_client.cast.engine, admin, ids[each], ConversationChanges(status=each)
        )
    assert sorted(await helpdesk_client.list_ids(status=status)) == sorted(
        ids[each] for each in found
    )


async def test_filter_by_priority(helpdesk_client: HelpdeskClient) -> None:
    await helpdesk_client.create(priority="low")
    urgent = await helpdesk_client.create(priority="urgent")
    assert await helpdesk_client.list_ids(priority="urgent") == [urgent["_id"]]


async def test_a_conversation_without_a_priority_is_found_as_medium(
    helpdesk_client: HelpdeskClient,
) -> None:
    engine, admin = helpdesk_client.cast.engine, operator(helpdesk_client.acme.tenant.id)
    plain = await conversations.create(engine, admin, NewConversation())
    assert await helpdesk_client.list_ids(priority="medium") == [plain.id]


async def test_filter_by_assignee_inbox_and_customer(helpdesk_client: HelpdeskClient) -> None:
    await helpdesk_client.create()
    assigned = await helpdesk_client.create(customerId=helpdesk_client.acme.id("carol"))
    alice = helpdesk_client.acme.id("alice")
    await helpdesk_client.call("PUT", f"/{assigned['_id']}", {"assignedTo": alice})
    assert await helpdesk_client.list_ids(assignedTo=alice) == [assigned["_id"]]
    assert await helpdesk_client.list_ids(customerId=helpdesk_client.acme.id("carol").upper()) == [
        assigned["_id"]
    ]
    assert await helpdesk_client.list_ids(assignedTo=alice, status="open", priority="low") == []
    assert len(await helpdesk_client.list_ids(inboxId=helpdesk_client.acme.inbox.id)) == 2


@pytest.mark.parametrize("name", ["assignedTo", "inboxId", "customerId"])
@pytest.mark.parametrize("value", ["nobody", new_id()], ids=["malformed", "nobody"])
async def test_a_filter_by_an_unknown_id_finds_nothing(
    helpdesk_client: HelpdeskClient, name: str, value: str
) -> None:
    await helpdesk_client.create()
    body = (await helpdesk_client.find({name: value})).json()
    assert body["data"] == []
    assert body["pagination"] == {"total": 0, "page": 1, "limit": 50, "totalPages": 0}


@pytest.mark.parametrize(
    ("name", "value"), [("status", "snoozed"), ("priority", "huge"), ("page", "0"), ("limit", "x")]
)
async def test_a_bad_query_value_is_a_bad_request(
    helpdesk_client: HelpdeskClient, name: str, value: str
) -> None:
    response = await helpdesk_client.find({name: value})
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "BAD_REQUEST"
    assert response.json()["error"]["details"]["field"] == name


async def test_pages_and_the_limits_cut_at_100(helpdesk_client: HelpdeskClient) -> None:
    ids = {(await helpdesk_client.create())["_id"] for _ in range(3)}
    pages = [(await helpdesk_client.call("GET", page=page, limit=2)).json() for page in (1, 2, 3)]
    assert [len(each["data"]) for each in pages] == [2, 1, 0]
    assert {c["_id"] for each in pages for c in each["data"]} == ids
    assert pages[2]["pagination"] == {"total": 3, "page": 3, "limit": 2, "totalPages": 2}
    assert (await helpdesk_client.call("GET", limit=1000)).json()["pagination"]["limit"] == 100


async def test_a_new_conversation_has_the_defaults(helpdesk_client: HelpdeskClient) -> None:
    created = await helpdesk_client.create()
    now = created["createdAt"]
    assert created == {
        "_id": created["_id"], "subject": "Order late", "status": "open", "priority": "medium",
        "customerId": None, "assignedTo": None, "inboxId": helpdesk_client.acme.inbox.id,
        "channel": "email", "source": "api", "labels": [], "createdAt": now, "updatedAt": now,
    }  # fmt: skip
    assert (await helpdesk_client.call("GET", f"/{created['_id'].upper()}")).json()[
        "data"
    ] == created


async def test_customer_and_assignee_are_populated(helpdesk_client: HelpdeskClient) -> None:
    created = await helpdesk_client.create(
        customerId=helpdesk_client.acme.id("carol"), channel="whatsapp"
    )
    alice = helpdesk_client.acme.people["alice"]
    response = await helpdesk_client.call("PUT", f"/{created['_id']}", {"assignedTo": alice.id})
    data = response.json()["data"]
    assert data["customerId"]["profile"]["firstName"] == "Carol Contact"
    assert data["assignedTo"] == {
        "_id": alice.id, "firstName": "Alice", "lastName": "User", "name": "Alice User",
        "email": alice.email,
    }  # fmt: skip
    assert (await helpdesk_client.call("GET")).json()["data"] == [data]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", ""), ("subject", "  "), ("subject", "x" * 256), ("subject", 5),
        ("inboxId", "abc"), ("channel", "sms"), ("priority", "huge"), ("customerId", "abc"),
        ("customerId", ""),
    ],
)  # fmt: skip
async def test_a_bad_field_is_a_validation_error(
    helpdesk_client: HelpdeskClient, field: str, value: object
) -> None:
    body = {"subject": "s", "inboxId": helpdesk_client.acme.inbox.id} | {field: value}
    response = await helpdesk_client.call("POST", json=body)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (422, "VALIDATION_ERROR")
    assert error["details"]["field"] == field
    assert error["details"]["validation"]


@pytest.mark.parametrize("field", ["subject", "inboxId"])
async def test_subject_and_inbox_are_required(helpdesk_client: HelpdeskClient, field: str) -> None:
    body = {"subject": "s", "inboxId": helpdesk_client.acme.inbox.id}
    del body[field]
    error = (await helpdesk_client.call("POST", json=body)).json()["error"]
    assert error["details"] == {"field": field, "validation": "is required"}


async def test_unknown_inbox_customer_and_assignee_are_not_found(
    helpdesk_client: HelpdeskClient,
) -> None:
    created, rival = await helpdesk_client.create(), helpdesk_client.cast.rival
    bodies = [
        {"subject": "s", "inboxId": rival.inbox.id},
        {"subject": "s", "inboxId": helpdesk_client.acme.inbox.id, "customerId": rival.id("carol")},
    ]
    responses = [await helpdesk_client.call("POST", json=body) for body in bodies]
    for identity_id in (rival.id("alice"), helpdesk_client.acme.id("carol"), new_id()):
        responses.append(
            await helpdesk_client.call("PUT", f"/{created['_id']}", {"assignedTo": identity_id})
        )
    assert [each.status_code for each in responses] == [404] * 5


async def test_put_changes_what_it_names_and_nothing_else(helpdesk_client: HelpdeskClient) -> None:
    created = await helpdesk_client.create()
    body = {
        "subject": "New", "status": "closed", "priority": "high", "channel": "phone",
        "inboxId": new_id(), "customerId": helpdesk_client.acme.id("carol"), "source": "email",
    }  # fmt: skip
    helpdesk_client.cast.clock.advance(seconds=1)
    data = (await helpdesk_client.call("PUT", f"/{created['_id']}", body)).json()["data"]
    changed = {"subject": "New", "status": "closed", "priority": "high"}
    assert data == created | changed | {"updatedAt": data["updatedAt"]}
    assert data["updatedAt"] > created["updatedAt"]


async def test_an_empty_put_changes_nothing(helpdesk_client: HelpdeskClient) -> None:
    created = await helpdesk_client.create()
    empty: dict[str, str] = {}
    for body in (empty, None):
        response = await helpdesk_client.call("PUT", f"/{created['_id']}", body)
        assert (response.status_code, response.json()["data"]) == (200, created)


async def test_null_unassigns_and_absence_does_not(helpdesk_client: HelpdeskClient) -> None:
    created = await helpdesk_client.create()
    path = f"/{created['_id']}"
    await helpdesk_client.call("PUT", path, {"assignedTo": helpdesk_client.acme.id("alice")})
    kept = await helpdesk_client.call("PUT", path, {"priority": "low"})
    assert kept.json()["data"]["assignedTo"]["_id"] == helpdesk_client.acme.id("alice")
    gone = await helpdesk_client.call("PUT", path, {"assignedTo": None})
    assert gone.json()["data"]["assignedTo"] is None


async def test_putting_pending_back_leaves_a_snoozed_conversation_snoozed(
    helpdesk_client: HelpdeskClient,
) -> None:
    created, admin = await helpdesk_client.create(), operator(helpdesk_client.acme.tenant.id)
    engine = helpdesk_client.cast.engine
    await conversations.change(engine, admin, created["_id"], ConversationChanges(status="snoozed"))
    response = await helpdesk_client.call("PUT", f"/{created['_id']}", {"status": "pending"})
    assert response.json()["data"]["status"] == "pending"
    assert (await conversations.get(engine, admin, created["_id"])).one.status == "snoozed"


async def test_delete_is_permanent_and_the_audit_log_has_the_reason(
    helpdesk_client: HelpdeskClient,
) -> None:
    created, admin = await helpdesk_client.create(), operator(helpdesk_client.acme.tenant.id)
    path = f"/{created['_id']}"
    await helpdesk_client.call("POST", f"{path}/messages", {"text": "hello"})
    response = await helpdesk_client.call("DELETE", path, {"reason": "spam"})
    assert response.json() == {"success": True, "message": "Conversation deleted"}
    entry = (
        await audit_log.find_page(
            helpdesk_client.cast.engine, admin, "conversation", "delete", Window(5)
        )
    ).items[0]
    assert (entry.noun_id, entry.actor_kind) == (created["_id"], "key")
    assert '"reason":"spam","messages":1' in entry.detail
    gone = [await helpdesk_client.call("GET", f"{path}{end}") for end in ("", "/messages")]
    assert [each.status_code for each in gone] == [404, 404]
    assert await helpdesk_client.list_ids() == []


async def test_delete_deletes_its_files_too(db: Database, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        client = await make_client(db, stack, data_dir=str(tmp_path))
        engine, created = client.cast.engine, await client.create()
        await files.save(engine, client.acme.tenant.id, created["_id"], TextFile())
        assert any(each.is_file() for each in tmp_path.rglob("*"))
        assert (await client.call("DELETE", f"/{created['_id']}")).status_code == 200
        assert not any(each.is_file() for each in tmp_path.rglob("*"))


async def test_delete_needs_no_body_and_works_once(helpdesk_client: HelpdeskClient) -> None:
    path = f"/{(await helpdesk_client.create())['_id']}"
    assert [(await helpdesk_client.call("DELETE", path)).status_code for _ in "12"] == [200, 404]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_another_tenants_removed_and_unknown_have_the_same_404(
    helpdesk_client: HelpdeskClient, method: str
) -> None:
    engine, admin = helpdesk_client.cast.engine, operator(helpdesk_client.cast.rival.tenant.id)
    theirs = (await conversations.create(engine, admin, NewConversation())).id
    removed = (await helpdesk_client.create())["_id"]
    await conversations.remove(engine, operator(helpdesk_client.acme.tenant.id), removed)
    seen = set()
    for each in (theirs, removed, new_id()):
        response = await helpdesk_client.call(method, f"/{each}")
        error = response.json()["error"]
        seen.add((response.status_code, error["code"], error["message"], str(error["details"])))
    assert seen == {(404, "NOT_FOUND", "Conversation not found", "None")}
    assert (await helpdesk_client.call(method, "/abc")).status_code == 400


async def test_conversations_of_other_dialects_show_too(helpdesk_client: HelpdeskClient) -> None:
    engine, admin = helpdesk_client.cast.engine, operator(helpdesk_client.acme.tenant.id)
    new = NewConversation(channel="waha", owner_id=helpdesk_client.acme.id("cleo"), source="zapier")
    other = await conversations.create(engine, admin, new)
    data = (await helpdesk_client.call("GET", f"/{other.id}")).json()["data"]
    assert data["subject"] == f"Conversation #{other.number}"
    assert (data["channel"], data["source"], data["inboxId"]) == ("whatsapp", "api", None)
    assert data["customerId"]["profile"]["firstName"] == "Cleo"
    draft = Draft(content="hi", sender_id=helpdesk_client.acme.id("cleo"), sender_kind="user")
    await messages.send(engine, admin, other.id, draft)
    response = await helpdesk_client.call("GET", f"/{other.id}/messages")
    assert response.json()["data"][0]["direction"] == "inbound"
