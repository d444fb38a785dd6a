"""Conversations over HTTP."""

import pytest

from koine.engine.contacts import inboxes
from koine.engine.conversations import contact_conversations, conversations, messages
from koine.engine.people import directory
from koine.model.actor import operator
from koine.model.conversation import NewConversation
from koine.model.identity import NewIdentity
from tests.dialects.inbox.conftest import InboxClient

SEED = ["id", "uuid", "inbox_id", "contact_last_seen_at", "status", "agent_last_seen_at",
        "messages", "contact"]  # fmt: skip


async def test_create_returns_exactly_the_fields_of_the_contract(inbox_client: InboxClient) -> None:
    conversation = await inbox_client.carol.create_conversation(plan="gold")
    assert list(conversation) == SEED
    assert conversation["inbox_id"] == inbox_client.cast.acme.inbox.number
    assert (conversation["status"], conversation["messages"]) == ("open", [])
    assert (conversation["contact_last_seen_at"], conversation["agent_last_seen_at"]) == (0, 0)
    assert conversation["contact"]["name"] == "Carol Contact"
    assert conversation["contact"]["account_id"] == inbox_client.cast.acme.tenant.number


MULTIPART = {"content": b"", "headers": {"Content-Type": "multipart/form-data"}}


@pytest.mark.parametrize("form", [{"data": {}}, {"data": {"a": "b"}}, {"content": b""}, MULTIPART])
async def test_an_empty_body_is_normal(inbox_client: InboxClient, form: dict[str, object]) -> None:
    assert (await inbox_client.carol.request("POST", "/conversations", **form)).status_code == 200


async def test_a_form_makes_the_attributes(inbox_client: InboxClient) -> None:
    form = {"custom_attributes[plan]": "gold"}
    created = (await inbox_client.carol.request("POST", "/conversations", data=form)).json()
    key = inbox_client.cast.acme.actor("alice")
    kept = await conversations.get(inbox_client.cast.engine, key, created["uuid"])
    assert kept.one.custom_attributes == '{"plan":"gold"}'


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"note": "x" * 1501}, "note length should be < 1500"),
        ({"sum": 10_000_000_000}, "sum value should be < 9999999999"),
    ],
)
async def test_limits_of_custom_attributes(
    inbox_client: InboxClient, attributes: dict[str, object], text: str
) -> None:
    refused = await inbox_client.carol.request(
        "POST", "/conversations", json={"custom_attributes": attributes}
    )
    assert refused.status_code == 422
    assert refused.json() == {"message": text, "attributes": ["custom_attributes"]}


async def test_an_inbox_with_single_conversations_returns_the_last_one_unchanged(
    inbox_client: InboxClient,
) -> None:
    contact = await inbox_client.new_contact(await inbox_client.new_inbox(single_conversation=True))
    first = await contact.create_conversation()
    await contact.request("POST", f"/conversations/{first['id']}/toggle_status")
    again = await contact.create_conversation(plan="gold")
    assert (again["id"], again["status"]) == (first["id"], "resolved")


async def test_a_blocked_contacts_conversation_starts_resolved(inbox_client: InboxClient) -> None:
    acme = inbox_client.cast.acme
    changes = directory.PersonChanges(blocked=True)
    operator_actor = operator(acme.tenant.id)
    await directory.change(
        inbox_client.cast.engine, operator_actor, acme.id("carol"), "contact", changes
    )
    assert (await inbox_client.carol.create_conversation())["status"] == "resolved"


async def test_an_inbox_with_a_responder_starts_pending(inbox_client: InboxClient) -> None:
    operator_actor = operator(inbox_client.cast.acme.tenant.id)
    new = NewIdentity(kind="agent", name="Assistant")
    bot = await inbox_client.cast.engine.db.write(
        operator_actor.tenant_id, directory.insert_tx, 1, new
    )
    contact = await inbox_client.new_contact(await inbox_client.new_inbox(responder_id=bot.id))
    conversation = await contact.create_conversation()
    assert conversation["status"] == "pending"
    await contact.request("POST", f"/conversations/{conversation['id']}/toggle_status")
    await contact.send(conversation["id"], "again")
    assert (await contact.request("GET", f"/conversations/{conversation['id']}")).json()[
        "status"
    ] == "pending"


async def test_the_list_is_bare_and_oldest_first(inbox_client: InboxClient) -> None:
    one, two = (
        await inbox_client.carol.create_conversation(),
        await inbox_client.carol.create_conversation(),
    )
    await inbox_client.carol.send(two["id"], "hello")
    listed = (await inbox_client.carol.request("GET", "/conversations")).json()
    assert [each["id"] for each in listed] == [one["id"], two["id"]]
    assert [m["content"] for m in listed[1]["messages"]] == ["hello"]


async def test_another_contacts_conversation_is_not_found(inbox_client: InboxClient) -> None:
    conversation = await inbox_client.carol.create_conversation()
    path = f"/conversations/{conversation['id']}"
    assert (await inbox_client.carol.request("GET", path)).status_code == 200
    hidden, nothing = (
        await inbox_client.dave.request("GET", path),
        await inbox_client.dave.request("GET", path + "9999"),
    )
    assert hidden.status_code == 404
    assert hidden.content == nothing.content == b'{"status":404,"error":"Not Found"}'


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "9" * 30, "٣"])
async def test_a_path_without_a_number_is_not_found(inbox_client: InboxClient, number: str) -> None:
    assert (await inbox_client.carol.request("GET", f"/conversations/{number}")).status_code == 404


async def test_conversations_of_another_contact_inbox_need_a_verified_identity(
    inbox_client: InboxClient,
) -> None:
    conversation = await (await inbox_client.verified_contact("u1")).create_conversation()
    attacker = await inbox_client.new_contact(identifier="u1")
    assert (await attacker.request("GET", "/conversations")).json() == []
    other = await inbox_client.verified_contact("u1")
    assert [c["id"] for c in (await other.request("GET", "/conversations")).json()] == [
        conversation["id"]
    ]


async def test_the_tenants_own_conversation_with_a_contact_is_shown(
    inbox_client: InboxClient,
) -> None:
    acme = inbox_client.cast.acme
    new = NewConversation(inbox_id=acme.inbox.id, owner_id=acme.id("carol"))
    conversation = await conversations.create(inbox_client.cast.engine, acme.actor("alice"), new)
    listed = (await inbox_client.carol.request("GET", "/conversations")).json()
    assert [each["uuid"] for each in listed] == [conversation.id]


async def test_a_verified_contact_sees_its_conversations_outside_of_any_inbox(
    inbox_client: InboxClient,
) -> None:
    engine, alice = inbox_client.cast.engine, inbox_client.cast.acme.actor("alice")
    known = await inbox_client.new_contact(identifier="u1")
    first = (await known.create_conversation())["uuid"]
    owner_id = (await conversations.get(engine, alice, first)).one.owner_id
    conversation = await conversations.create(engine, alice, NewConversation(owner_id=owner_id))
    assert [c["uuid"] for c in (await known.request("GET", "/conversations")).json()] == [first]
    known.headers["X-Identifier-Hash"] = inbox_client.sign("u1")
    listed = (await known.request("GET", "/conversations")).json()
    assert [c["uuid"] for c in listed] == [first, conversation.id]
    assert listed[0]["inbox_id"] == listed[1]["inbox_id"] == known.inbox.number


async def test_toggle_status_only_ever_resolves(inbox_client: InboxClient) -> None:
    path = f"/conversations/{(await inbox_client.carol.create_conversation())['id']}/toggle_status"
    for _ in range(2):
        response = await inbox_client.carol.request("POST", path)
        assert (response.status_code, response.json()["status"]) == (200, "resolved")
        assert response.json()["messages"] == []


@pytest.mark.parametrize("word", ["on", "off", "maybe", "", 1.5])
async def test_toggle_typing_always_succeeds(inbox_client: InboxClient, word: object) -> None:
    path = f"/conversations/{(await inbox_client.carol.create_conversation())['id']}/toggle_typing"
    for options in ({"json": {"typing_status": word}}, {"params": {"typing_status": word}}):
        response = await inbox_client.carol.request("POST", path, **options)
        assert (response.status_code, response.content) == (200, b"")


async def test_update_last_seen_is_stored_and_marks_everything_read(
    inbox_client: InboxClient,
) -> None:
    conversation = await inbox_client.carol.create_conversation()
    await inbox_client.carol.send(conversation["id"], "hello")
    response = await inbox_client.carol.request(
        "POST", f"/conversations/{conversation['id']}/update_last_seen"
    )
    assert (response.status_code, response.content) == (200, b"")
    shown = (await inbox_client.carol.request("GET", f"/conversations/{conversation['id']}")).json()
    assert shown["contact_last_seen_at"] == inbox_client.cast.clock.now() // 1_000_000


async def test_a_removed_inbox_is_not_found(inbox_client: InboxClient) -> None:
    contact = await inbox_client.new_contact(await inbox_client.new_inbox())
    operator_actor = operator(inbox_client.cast.acme.tenant.id)
    assert (await contact.request("GET")).status_code == 200
    await inboxes.remove(inbox_client.cast.engine, operator_actor, contact.inbox.id)
    assert (await contact.request("GET")).status_code == 404


def test_a_page_is_twenty() -> None:
    assert contact_conversations.PAGE == 20


async def test_an_agents_reading_sets_agent_last_seen_at(inbox_client: InboxClient) -> None:
    acme, engine = inbox_client.cast.acme, inbox_client.cast.engine
    new = NewConversation(
        inbox_id=acme.inbox.id,
        owner_id=acme.id("carol"),
        participants=((acme.id("alice"), "member"),),
    )
    conversation = await conversations.create(engine, acme.actor("alice"), new)
    await inbox_client.carol.send(conversation.number, "hello")
    await messages.mark_read(engine, acme.actor("alice"), conversation.id)
    shown = (
        await inbox_client.carol.request("GET", f"/conversations/{conversation.number}")
    ).json()
    assert shown["agent_last_seen_at"] == inbox_client.cast.clock.now() // 1_000_000


async def test_a_response_holds_the_newest_messages_up_to_a_bound(
    inbox_client: InboxClient,
) -> None:
    old, new = (
        await inbox_client.carol.create_conversation(),
        await inbox_client.carol.create_conversation(),
    )
    for n in range(20):
        await inbox_client.carol.send(old["id"], f"{n} " + "x" * 149_000)
        await inbox_client.carol.send(new["id"], f"{n} " + "y" * 149_000)
    listed = (await inbox_client.carol.request("GET", "/conversations")).json()
    shown = {
        each["id"]: [int(m["content"].split()[0]) for m in each["messages"]] for each in listed
    }
    assert shown[new["id"]] == [*range(20)]
    assert 0 < len(shown[old["id"]]) < 20
    assert shown[old["id"]] == [*range(20)][-len(shown[old["id"]]) :]
    whole = (await inbox_client.carol.request("GET", f"/conversations/{old['id']}")).json()
    assert len(whole["messages"]) == 20


async def test_a_list_holds_the_newest_conversations(
    inbox_client: InboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_conversations, "MAX_LISTED", 2)
    conversations = [(await inbox_client.carol.create_conversation())["id"] for _ in range(3)]
    listed = (await inbox_client.carol.request("GET", "/conversations")).json()
    assert [each["id"] for each in listed] == conversations[1:]
    assert (
        await inbox_client.carol.request("GET", f"/conversations/{conversations[0]}")
    ).status_code == 200
