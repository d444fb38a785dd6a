"""A contact that the tenant has blocked may read, and nothing from it is stored."""

from pathlib import Path

from sqlalchemy import func, select

from koine.engine.contacts import inboxes
from koine.engine.contacts.inboxes import InboxChanges
from koine.engine.conversations import conversations
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.model.actor import operator
from koine.store.core.db import Tx
from koine.store.core.statements import Query, param
from koine.store.tables import events, files, messages
from tests.dialects.inbox.conftest import InboxClient
from tests.dialects.inbox.pictures import PNG

COUNTS = [
    Query(select(func.count()).select_from(t).where(t.c.tenant_id == param("tenant_id")), int)
    for t in (messages, files, events)
]


async def block(client: InboxClient) -> None:
    await change(client, PersonChanges(blocked=True))


async def change(client: InboxClient, changes: PersonChanges) -> None:
    operator_actor = operator(client.cast.acme.tenant.id)
    await directory.change(
        client.cast.engine, operator_actor, client.cast.acme.id("carol"), "contact", changes
    )


async def stored(client: InboxClient) -> list[int]:
    async def count(tx: Tx) -> list[int]:
        return [(await tx.all(query))[0] for query in COUNTS]

    return await client.cast.engine.db.read(client.cast.acme.tenant.id, count)


def on_disk(client: InboxClient) -> int:
    root = Path(client.cast.engine.settings.data_dir) / "files"
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


async def test_a_blocked_contact_sends_no_message(inbox_client: InboxClient) -> None:
    conversation = await inbox_client.carol.create_conversation()
    path = f"/conversations/{conversation['id']}"
    await block(inbox_client)
    before = await stored(inbox_client)
    refused = await inbox_client.carol.request("POST", f"{path}/messages", json={"content": "hi"})
    files = {"attachments[]": ("a.png", PNG)}
    sent = await inbox_client.carol.request("POST", f"{path}/messages", files=files)
    assert refused.json() == sent.json() == {"status": 403, "error": "Forbidden"}
    assert (await stored(inbox_client), on_disk(inbox_client)) == (before, 0)
    assert (await inbox_client.carol.request("GET", path)).json()["messages"] == []


async def test_a_blocked_contact_marks_nothing_as_read(inbox_client: InboxClient) -> None:
    conversation = await inbox_client.carol.create_conversation()
    await inbox_client.carol.send(conversation["id"], "hi")
    await block(inbox_client)
    before = await stored(inbox_client)
    path = f"/conversations/{conversation['id']}/update_last_seen"
    response = await inbox_client.carol.request("POST", path)
    assert (response.status_code, response.content) == (200, b"")
    assert await stored(inbox_client) == before


async def test_a_blocked_contact_changes_nothing_of_itself(inbox_client: InboxClient) -> None:
    await block(inbox_client)
    before = await stored(inbox_client)
    response = await inbox_client.carol.request(
        "PATCH", json={"name": "Else", "custom_attributes": {"a": "b"}}
    )
    assert response.status_code == 403
    assert await stored(inbox_client) == before


async def test_the_identity_hash_in_an_update_of_a_blocked_contact_proves_nothing(
    inbox_client: InboxClient,
) -> None:
    await change(inbox_client, PersonChanges(identifier="carol-1"))
    body = {"identifier_hash": inbox_client.sign("carol-1")}
    await block(inbox_client)
    before = await stored(inbox_client)
    assert (await inbox_client.carol.request("PATCH", json=body)).status_code == 403
    assert await stored(inbox_client) == before
    await change(inbox_client, PersonChanges(blocked=False))
    unblocked = await stored(inbox_client)
    assert (await inbox_client.carol.request("PATCH", json=body)).status_code == 200
    assert await stored(inbox_client) != unblocked


async def test_a_blocked_contact_answers_no_survey(inbox_client: InboxClient) -> None:
    operator_actor, inbox_id = (
        operator(inbox_client.cast.acme.tenant.id),
        inbox_client.cast.acme.inbox.id,
    )
    asking = InboxChanges(settings='{"csat_survey_enabled":true}')
    await inboxes.change(inbox_client.cast.engine, operator_actor, inbox_id, asking)
    conversation = await inbox_client.carol.create_conversation()
    await inbox_client.carol.send(conversation["id"], "hi")
    await inbox_client.carol.request("POST", f"/conversations/{conversation['id']}/toggle_status")
    await block(inbox_client)
    before = await stored(inbox_client)
    body = {"message": {"submitted_values": {"csat_survey_response": {"rating": 5}}}}
    url = f"/public/api/v1/csat_survey/{conversation['uuid']}"
    assert (await inbox_client.web.patch(url, json=body)).status_code == 403
    assert await stored(inbox_client) == before


async def test_a_blocked_contact_opens_one_closed_conversation_at_most(
    inbox_client: InboxClient,
) -> None:
    await block(inbox_client)
    first = await inbox_client.carol.create_conversation()
    before = await stored(inbox_client)
    again = [await inbox_client.carol.create_conversation(plan="gold") for _ in range(3)]
    assert {each["id"] for each in again} == {first["id"]}
    assert first["status"] == "resolved"
    assert (await stored(inbox_client))[0] == before[0]


async def test_a_blocked_contact_cannot_write_in_a_conversation_that_staff_reopened(
    inbox_client: InboxClient,
) -> None:
    made, alice = (
        await inbox_client.carol.create_conversation(),
        inbox_client.cast.acme.actor("alice"),
    )
    await block(inbox_client)
    changes = conversations.ConversationChanges(status="open")
    await conversations.change(inbox_client.cast.engine, alice, made["uuid"], changes)
    path = f"/conversations/{made['id']}/messages"
    assert (
        await inbox_client.carol.request("POST", path, json={"content": "hi"})
    ).status_code == 403
