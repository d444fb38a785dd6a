"""List and send messages: each rule of delivery.md by its name."""

import asyncio
from datetime import UTC, datetime

import pytest
from msgspec import structs
from sqlalchemy import select

from koine.engine.conversations import conversations, messages
from koine.kit.ids import new_id
from koine.kit.times import iso_ms
from koine.model.actor import operator
from koine.model.conversation import NewConversation
from koine.model.filters import MessageFilter
from koine.model.message import Draft
from koine.model.page import page_window
from koine.store import tenants
from koine.store.core.statements import Query, param
from koine.store.tables import events
from tests.dialects.delivery.conftest import CONVERSATIONS, DeliveryClient

EVENTS = Query(
    select(events.c.kind, events.c.seq)
    .where(
        events.c.tenant_id == param("tenant_id"),
        events.c.conversation_id == param("conversation_id"),
    )
    .order_by(events.c.position)
)


async def test_the_envelope_of_a_sent_message(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    response = await delivery_client.send(
        "dan", opened["id"], message_type="text", content="Hello!"
    )
    assert response.status_code == 201
    assert list(response.json()) == ["success", "message", "data"]
    assert response.json()["message"] == "Message sent successfully"
    data, dan = response.json()["data"], delivery_client.cast.acme.people["dan"]
    assert data["sender"] == {
        "id": dan.id, "name": dan.name, "email": dan.email, "avatar": None, "role": "driver",
    }  # fmt: skip
    assert (data["sender_id"], data["conversation_id"]) == (dan.id, opened["id"])
    assert (data["message_type"], data["content"], data["metadata"]) == ("text", "Hello!", None)


async def test_the_example_of_the_original_documentation_is_accepted(
    delivery_client: DeliveryClient,
) -> None:
    opened = await delivery_client.open()
    body = {
        "message_type": "text", "content": "Hello!", "content_url": None, "metadata": None,
        "parent_message_id": None,
    }  # fmt: skip
    assert (await delivery_client.send("cleo", opened["id"], **body)).status_code == 201


async def test_the_type_is_text_unless_said(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    response = await delivery_client.send("dan", opened["id"], message_type=None, content="x")
    assert response.json()["data"]["message_type"] == "text"


@pytest.mark.parametrize("kind", ["image", "file", "audio", "video"])
async def test_media_need_a_link_or_content(delivery_client: DeliveryClient, kind: str) -> None:
    opened = await delivery_client.open()
    bare = await delivery_client.send("dan", opened["id"], message_type=kind)
    assert (bare.status_code, "content_url" in bare.json()["message"]) == (400, True)
    linked = await delivery_client.send(
        "dan", opened["id"], message_type=kind, content_url="https://a.test/x"
    )
    assert linked.json()["data"]["content_url"] == "https://a.test/x"
    response = await delivery_client.send(
        "dan", opened["id"], message_type=kind, content="see above"
    )
    assert response.status_code == 201


@pytest.mark.parametrize("url", ["http://a.test:8080/é?q=1", "https://a.test", "/files/a/b.png"])
async def test_a_link_is_http_or_an_upload_of_ours(
    delivery_client: DeliveryClient, url: str
) -> None:
    opened = await delivery_client.open()
    response = await delivery_client.send(
        "dan", opened["id"], message_type="image", content_url=url
    )
    assert response.json()["data"]["content_url"] == url


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "data:text/html,x", "ftp://a.test", "//a.test/x", "a.test", "http://",
        "https:///x", "/etc/passwd", "/files/../x", "https://a b", "http://[::1", "http://a:b/",
        "https://a.test/\nx", "https://a.test/" + "x" * 2048,
    ],
)  # fmt: skip
async def test_any_other_link_is_400(delivery_client: DeliveryClient, url: str) -> None:
    opened = await delivery_client.open()
    response = await delivery_client.send(
        "dan", opened["id"], message_type="image", content_url=url
    )
    assert response.status_code == 400
    assert "content_url" in response.json()["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"message_type": "html", "content": "<b>x</b>"}, {"message_type": "system", "content": "x"},
        {"message_type": "template", "content": "x"}, {"message_type": "Text", "content": "x"},
        {"message_type": 1, "content": "x"}, {}, {"content": ""}, {"content": " \n\t "},
        {"content": 7}, {"content": "x" * 150_001}, {"content": "x", "metadata": []},
        {"content": "x", "metadata": "y"}, {"content": "x", "parent_message_id": "y"},
        {"content": "x", "parent_message_id": new_id()}, {"content_url": "https://a.test"}, [],
    ],
)  # fmt: skip
async def test_an_invalid_message_is_400(delivery_client: DeliveryClient, body: object) -> None:
    opened = await delivery_client.open()
    response = await delivery_client.call("dan", "POST", f"/{opened['id']}/messages", body)
    assert response.status_code == 400
    assert response.json()["success"] is False
    assert (await delivery_client.get("dan", f"/{opened['id']}/messages")).json()["total"] == 0


async def test_metadata_is_kept_as_it_came(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    metadata = {"a": {"b": [1, None, True, "é"]}, "": 1.5}
    response = await delivery_client.send("dan", opened["id"], content="x", metadata=metadata)
    assert response.json()["data"]["metadata"] == metadata


async def test_a_message_under_a_key_is_stored_once(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    path = f"{CONVERSATIONS}/{opened['id']}/messages"
    ids = {"dan": set[str](), "cleo": set[str]()}
    for who in ("dan", "cleo", "dan", "cleo"):
        headers = delivery_client.headers(who) | {"Idempotency-Key": "k1"}
        response = await delivery_client.client.post(
            path, json={"content": "once"}, headers=headers
        )
        ids[who].add(response.json()["data"]["id"])
    assert [len(each) for each in ids.values()] == [1, 1]
    assert (await delivery_client.get("dan", f"/{opened['id']}/messages")).json()["total"] == 2


async def test_a_customers_message_is_a_contacts_elsewhere(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    for who in ("cleo", "dan"):
        await delivery_client.send_text(who, opened["id"], "hi")
    actor = delivery_client.cast.acme.actor("ada")
    page = await messages.find_page(
        delivery_client.cast.engine,
        actor,
        opened["id"],
        MessageFilter(oldest_first=True),
        page_window(1, 9),
    )
    assert [m.sender_kind for m in page.items] == ["contact", "user"]


async def test_a_parent_is_of_the_same_conversation(delivery_client: DeliveryClient) -> None:
    conversation, elsewhere = await delivery_client.open(), await delivery_client.open(parcel=1)
    parent = await delivery_client.send_text("cleo", conversation["id"], "where?")
    good = await delivery_client.send(
        "dan", conversation["id"], content="here", parent_message_id=parent["id"].upper()
    )
    assert good.json()["data"]["parent_message_id"] == parent["id"]
    bad = await delivery_client.send(
        "dan", elsewhere["id"], content="here", parent_message_id=parent["id"]
    )
    assert bad.status_code == 400


async def test_a_sender_must_be_a_participant(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    path = f"/{opened['id']}/messages"
    for who in ("ada", "dora"):
        response = await delivery_client.send(who, opened["id"], content="x")
        assert (response.status_code, response.json()["message"]) == (403, "Not Participant")
    root = await delivery_client.call(
        "root", "POST", path, {"content": "x"}, tenant_id=delivery_client.tenant
    )
    assert root.status_code == 403
    assert (await delivery_client.send("olaf", opened["id"], content="x")).status_code == 404
    assert (await delivery_client.send("dan", opened["id"], content="x")).status_code == 201


async def test_one_who_left_cannot_send(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open("dora")
    body = {"action": "remove", "user_ids": [delivery_client.id("dan")]}
    await delivery_client.call("dora", "PUT", f"/{opened['id']}/participants", body)
    assert (await delivery_client.send("dan", opened["id"], content="x")).status_code == 404


async def test_a_conversation_that_is_not_active_accepts_no_message(
    delivery_client: DeliveryClient,
) -> None:
    opened = await delivery_client.open()
    await delivery_client.close(opened["id"])
    response = await delivery_client.send("dan", opened["id"], content="x")
    assert response.status_code == 409
    assert response.json() == {"success": False, "message": "Conversation is not active"}


async def test_nothing_is_accepted_after_the_close(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()

    async def send_until_refused() -> list[int]:
        statuses = [201]
        while statuses[-1] == 201:
            statuses.append(
                (await delivery_client.send("dan", opened["id"], content="x")).status_code
            )
        return statuses[1:]

    async def close_amid() -> None:
        for n in range(5):
            await delivery_client.send_text("cleo", opened["id"], f"{n}")
        await delivery_client.close(opened["id"])

    senders = [send_until_refused() for _ in range(16)]
    responses, _ = await asyncio.gather(asyncio.gather(*senders), close_amid())
    statuses = [status for each in responses for status in each]
    assert statuses.count(409) == 16 and statuses.count(201) > 0
    accepted = statuses.count(201) + 5
    db, tenant = delivery_client.cast.engine.db, delivery_client.tenant
    rows = await db.read(tenant, lambda tx: tx.all(EVENTS, conversation_id=opened["id"]))
    logged = [(kind, seq) for kind, seq in rows if kind.startswith(("message", "conversation.up"))]
    sent = [seq for kind, seq in logged if kind == "message.created"]
    assert logged[-1] == ("conversation.updated", None)
    assert sent == list(range(1, accepted + 1))


async def test_messages_come_newest_first_in_pages(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    sent = [(await delivery_client.send_text("dan", opened["id"], f"{n}"))["id"] for n in range(5)]
    path = f"/{opened['id']}/messages"
    first = (await delivery_client.get("cleo", path, limit=2)).json()
    assert list(first) == ["success", "message", "messages", "total", "page", "limit"]
    assert first["message"] == "Messages retrieved successfully"
    assert [m["id"] for m in first["messages"]] == [sent[4], sent[3]]
    assert (first["total"], first["page"], first["limit"]) == (5, 1, 2)
    last = (await delivery_client.get("cleo", path, limit=2, page=3)).json()
    assert [m["id"] for m in last["messages"]] == [sent[0]]
    assert (await delivery_client.get("cleo", path, limit=2, page=4)).json()["messages"] == []
    assert (await delivery_client.get("cleo", path, limit=1000)).json()["limit"] == 100


async def test_both_ends_of_a_timestamp_range_are_inclusive(
    delivery_client: DeliveryClient,
) -> None:
    opened = await delivery_client.open()
    times = []
    for n in range(4):
        delivery_client.cast.clock.advance(seconds=1.000_001)
        times.append((await delivery_client.send_text("dan", opened["id"], f"{n}"))["created_at"])

    async def found(text: str) -> list[str]:
        response = await delivery_client.get(
            "dan", f"/{opened['id']}/messages", timestamp_range=text
        )
        assert response.json()["total"] == len(response.json()["messages"]), response.text
        return [m["content"] for m in response.json()["messages"]]

    assert await found(f"{times[1]},{times[2]}") == ["2", "1"]
    assert await found(f"{times[2]},") == ["3", "2"]
    assert await found(f",{times[0]}") == ["0"]
    assert await found(",") == ["3", "2", "1", "0"]
    assert await found("2023-01-01T00:00:00Z,2023-01-02T00:00:00Z") == []


@pytest.mark.parametrize(
    "text",
    [
        "2023-01-01T00:00:00Z", "x,y", "2023-01-02T00:00:00Z,2023-01-01T00:00:00Z", "a,b,c",
        "2023-13-01T00:00:00Z,", "1,2",
    ],
)  # fmt: skip
async def test_a_bad_range_is_400(delivery_client: DeliveryClient, text: str) -> None:
    opened = await delivery_client.open()
    response = await delivery_client.get("dan", f"/{opened['id']}/messages", timestamp_range=text)
    assert (response.status_code, "timestamp_range" in response.json()["message"]) == (400, True)


async def test_only_participants_and_system_administrators_read_messages(
    delivery_client: DeliveryClient,
) -> None:
    opened = await delivery_client.open()
    await delivery_client.send_text("dan", opened["id"], "hi")
    path = f"/{opened['id']}/messages"
    assert (await delivery_client.get("cleo", path)).json()["total"] == 1
    assert (await delivery_client.get("root", path, tenant_id=delivery_client.tenant)).json()[
        "total"
    ] == 1
    for who in ("ada", "dora"):
        response = await delivery_client.get(who, path)
        assert (response.status_code, response.json()["message"]) == (403, "Not Participant")
    assert (await delivery_client.get("olaf", path)).status_code == 404
    assert (await delivery_client.get("rival:ada", path)).status_code == 404


async def test_reading_moves_the_read_mark(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    sent = [await delivery_client.send_text("dan", opened["id"], f"{n}") for n in range(3)]
    await delivery_client.get("cleo", f"/{opened['id']}/messages", limit=1)
    shown = (await delivery_client.get("cleo")).json()["conversations"][0]
    cleo = next(p for p in shown["participants"] if p["user_id"] == delivery_client.id("cleo"))
    assert (shown["unread_count"], cleo["last_read_message_id"]) == (0, sent[2]["id"])


async def test_the_read_mark_only_moves_forward(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    sent = [await delivery_client.send_text("dan", opened["id"], f"{n}") for n in range(3)]
    path = f"/{opened['id']}/messages"
    await delivery_client.get("cleo", path, limit=1, page=2)
    assert (await delivery_client.get("cleo")).json()["conversations"][0]["unread_count"] == 1
    for page in (1, 3):
        await delivery_client.get("cleo", path, limit=1, page=page)
    shown = (await delivery_client.get("cleo", f"/{opened['id']}")).json()["conversation"]
    cleo = next(p for p in shown["participants"] if p["user_id"] == delivery_client.id("cleo"))
    assert (shown["unread_count"], cleo["last_read_message_id"]) == (0, sent[2]["id"])


async def test_reading_without_new_messages_writes_nothing(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    await delivery_client.send_text("dan", opened["id"], "hi")
    for who in ("cleo", "cleo", "dan"):
        await delivery_client.get(who, f"/{opened['id']}/messages")
    await delivery_client.get("root", f"/{opened['id']}/messages", tenant_id=delivery_client.tenant)
    rows = await delivery_client.cast.engine.db.read(
        delivery_client.tenant, lambda tx: tx.all(EVENTS, conversation_id=opened["id"])
    )
    assert [kind for kind, _ in rows].count("conversation.read") == 1


async def test_private_notes_are_not_returned(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open("dora")
    sent = await delivery_client.send_text("dora", opened["id"], "hi")
    note = Draft(content="psst", private=True, sender_id=delivery_client.id("ada"))
    kept = await messages.send(
        delivery_client.cast.engine, delivery_client.cast.acme.actor("ada"), opened["id"], note
    )
    for who in ("dan", "cleo", "dora"):
        listed = (await delivery_client.get(who, f"/{opened['id']}/messages")).json()
        assert ([m["id"] for m in listed["messages"]], listed["total"]) == ([sent["id"]], 1)
        one = (await delivery_client.get(who, f"/{opened['id']}")).json()["conversation"]
        assert (one["latest_message"]["id"], one["unread_count"]) == (sent["id"], 0)
    path = f"/{opened['id']}/read-status"
    assert (await delivery_client.call("dan", "PUT", path, message_id=kept.id)).status_code == 404


async def support(client: DeliveryClient) -> str:
    """A support conversation of Cleo and Dan; Olaf is the tenant's support user."""
    engine, ada = client.cast.engine, client.cast.acme.actor("ada")
    people = ((client.id("cleo"), "member"), (client.id("dan"), "member"))
    new = NewConversation(kind="support", participants=people)  # type: ignore[arg-type]  # roles
    opened = await conversations.create(engine, ada, new)
    settings = f'{{"support_user_ids":["{client.id("olaf")}"]}}'
    tenant = structs.replace(client.cast.acme.tenant, settings=settings)
    await engine.db.write(client.tenant, tenants.change, tenant)
    return opened.id


async def test_support_users_read_a_support_conversation(delivery_client: DeliveryClient) -> None:
    path = f"/{await support(delivery_client)}/messages"
    assert (await delivery_client.get("olaf", path)).status_code == 200
    for who in ("dan", "ada"):
        assert (await delivery_client.get(who, path)).status_code == 403
    assert (
        await delivery_client.get("root", path, tenant_id=delivery_client.tenant)
    ).status_code == 403
    assert (await delivery_client.get("alice", path)).status_code == 403


async def test_times_have_milliseconds(delivery_client: DeliveryClient) -> None:
    opened = await delivery_client.open()
    sent = await delivery_client.send_text("dan", opened["id"], "x")
    assert sent["created_at"] == iso_ms(delivery_client.cast.clock.now())
    assert datetime.fromisoformat(sent["created_at"]).tzinfo == UTC


async def test_a_private_note_is_no_parent_for_a_customer(delivery_client: DeliveryClient) -> None:
    conversation = (await delivery_client.open())["id"]
    note = Draft(content="x", private=True, sender_id=delivery_client.id("alice"))
    admin = operator(delivery_client.tenant)
    sent = await messages.send_unchecked(delivery_client.cast.engine, admin, conversation, note)
    parents = (sent.id, new_id())
    responses = [
        await delivery_client.send("cleo", conversation, content="re", parent_message_id=each)
        for each in parents
    ]
    assert [a.status_code for a in responses] == [400, 400]
    assert responses[0].content == responses[1].content
