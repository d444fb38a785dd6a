"""Conversations over HTTP: the seed's endpoint and those around it."""

import pytest

from koine.engine import conversations, inbox_conversations, inboxes, messages, people
from koine.model.actor import operator
from koine.model.conversation import NewConversation
from koine.model.identity import NewIdentity
from tests.dialects.inbox.conftest import Door

SEED = ["id", "uuid", "inbox_id", "contact_last_seen_at", "status", "agent_last_seen_at",
        "messages", "contact"]  # fmt: skip


async def test_create_answers_exactly_the_seeds_fields(door: Door) -> None:
    made = await door.carol.open(plan="gold")
    assert list(made) == SEED
    assert made["inbox_id"] == door.cast.acme.inbox.number
    assert (made["status"], made["messages"]) == ("open", [])
    assert (made["contact_last_seen_at"], made["agent_last_seen_at"]) == (0, 0)
    assert made["contact"]["name"] == "Carol Contact"
    assert made["contact"]["account_id"] == door.cast.acme.tenant.number


MULTIPART = {"content": b"", "headers": {"Content-Type": "multipart/form-data"}}


@pytest.mark.parametrize("form", [{"data": {}}, {"data": {"a": "b"}}, {"content": b""}, MULTIPART])
async def test_an_empty_body_is_normal(door: Door, form: dict[str, object]) -> None:
    assert (await door.carol.call("POST", "/conversations", **form)).status_code == 200


async def test_a_form_makes_the_attributes(door: Door) -> None:
    form = {"custom_attributes[plan]": "gold"}
    made = (await door.carol.call("POST", "/conversations", data=form)).json()
    key = door.cast.acme.actor("alice")
    kept = await conversations.get(door.cast.engine, key, made["uuid"])
    assert kept.one.custom_attributes == '{"plan":"gold"}'


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"note": "x" * 1501}, "note length should be < 1500"),
        ({"sum": 10_000_000_000}, "sum value should be < 9999999999"),
    ],
)
async def test_limits_of_custom_attributes(
    door: Door, attributes: dict[str, object], text: str
) -> None:
    refused = await door.carol.call(
        "POST", "/conversations", json={"custom_attributes": attributes}
    )
    assert refused.status_code == 422
    assert refused.json() == {"message": text, "attributes": ["custom_attributes"]}


async def test_a_single_conversation_inbox_gives_the_last_one_untouched(door: Door) -> None:
    guest = await door.newcomer(await door.inbox(single_conversation=True))
    first = await guest.open()
    await guest.call("POST", f"/conversations/{first['id']}/toggle_status")
    again = await guest.open(plan="gold")
    assert (again["id"], again["status"]) == (first["id"], "resolved")


async def test_a_blocked_contacts_conversation_starts_resolved(door: Door) -> None:
    acme = door.cast.acme
    changes = people.PersonChanges(blocked=True)
    boss = operator(acme.tenant.id)
    await people.change(door.cast.engine, boss, acme.id("carol"), "contact", changes)
    assert (await door.carol.open())["status"] == "resolved"


async def test_an_inbox_with_a_responder_starts_pending(door: Door) -> None:
    boss = operator(door.cast.acme.tenant.id)
    new = NewIdentity(kind="agent", name="Assistant")
    bot = await door.cast.engine.db.write(boss.tenant_id, people.insert_tx, 1, new)
    guest = await door.newcomer(await door.inbox(responder_id=bot.id))
    made = await guest.open()
    assert made["status"] == "pending"
    await guest.call("POST", f"/conversations/{made['id']}/toggle_status")
    await guest.say(made["id"], "again")
    assert (await guest.call("GET", f"/conversations/{made['id']}")).json()["status"] == "pending"


async def test_the_list_is_bare_and_oldest_first(door: Door) -> None:
    one, two = await door.carol.open(), await door.carol.open()
    await door.carol.say(two["id"], "hello")
    listed = (await door.carol.call("GET", "/conversations")).json()
    assert [each["id"] for each in listed] == [one["id"], two["id"]]
    assert [m["content"] for m in listed[1]["messages"]] == ["hello"]


async def test_another_contacts_conversation_is_nothing(door: Door) -> None:
    made = await door.carol.open()
    path = f"/conversations/{made['id']}"
    assert (await door.carol.call("GET", path)).status_code == 200
    hidden, nothing = await door.dave.call("GET", path), await door.dave.call("GET", path + "9999")
    assert hidden.status_code == 404
    assert hidden.content == nothing.content == b'{"status":404,"error":"Not Found"}'


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "9" * 30, "٣"])
async def test_no_number_is_nothing(door: Door, number: str) -> None:
    assert (await door.carol.call("GET", f"/conversations/{number}")).status_code == 404


async def test_what_came_through_another_place_needs_a_verified_identity(door: Door) -> None:
    made = await (await door.proven("u1")).open()
    stranger = await door.newcomer(identifier="u1")
    assert (await stranger.call("GET", "/conversations")).json() == []
    other = await door.proven("u1")
    assert [c["id"] for c in (await other.call("GET", "/conversations")).json()] == [made["id"]]


async def test_the_tenants_own_conversation_with_a_contact_is_shown(door: Door) -> None:
    acme = door.cast.acme
    new = NewConversation(inbox_id=acme.inbox.id, owner_id=acme.id("carol"))
    made = await conversations.create(door.cast.engine, acme.actor("alice"), new)
    listed = (await door.carol.call("GET", "/conversations")).json()
    assert [each["uuid"] for each in listed] == [made.id]


async def test_a_verified_identity_is_shown_what_came_through_no_inbox(door: Door) -> None:
    engine, alice = door.cast.engine, door.cast.acme.actor("alice")
    known = await door.newcomer(identifier="u1")
    first = (await known.open())["uuid"]
    owner_id = (await conversations.get(engine, alice, first)).one.owner_id
    made = await conversations.create(engine, alice, NewConversation(owner_id=owner_id))
    assert [c["uuid"] for c in (await known.call("GET", "/conversations")).json()] == [first]
    known.headers["X-Identifier-Hash"] = door.sign("u1")
    listed = (await known.call("GET", "/conversations")).json()
    assert [c["uuid"] for c in listed] == [first, made.id]
    assert listed[0]["inbox_id"] == listed[1]["inbox_id"] == known.inbox.number


async def test_toggle_status_only_ever_resolves(door: Door) -> None:
    path = f"/conversations/{(await door.carol.open())['id']}/toggle_status"
    for _ in range(2):
        answer = await door.carol.call("POST", path)
        assert (answer.status_code, answer.json()["status"]) == (200, "resolved")
        assert answer.json()["messages"] == []


@pytest.mark.parametrize("word", ["on", "off", "maybe", "", 1.5])
async def test_toggle_typing_is_always_fine(door: Door, word: object) -> None:
    path = f"/conversations/{(await door.carol.open())['id']}/toggle_typing"
    for given in ({"json": {"typing_status": word}}, {"params": {"typing_status": word}}):
        answer = await door.carol.call("POST", path, **given)
        assert (answer.status_code, answer.content) == (200, b"")


async def test_update_last_seen_is_kept_and_reads_everything(door: Door) -> None:
    made = await door.carol.open()
    await door.carol.say(made["id"], "hello")
    answer = await door.carol.call("POST", f"/conversations/{made['id']}/update_last_seen")
    assert (answer.status_code, answer.content) == (200, b"")
    shown = (await door.carol.call("GET", f"/conversations/{made['id']}")).json()
    assert shown["contact_last_seen_at"] == door.cast.clock.now() // 1_000_000


async def test_a_removed_inbox_opens_nothing(door: Door) -> None:
    guest = await door.newcomer(await door.inbox())
    boss = operator(door.cast.acme.tenant.id)
    assert (await guest.call("GET")).status_code == 200
    await inboxes.remove(door.cast.engine, boss, guest.inbox.id)
    assert (await guest.call("GET")).status_code == 404


def test_a_page_is_twenty() -> None:
    assert inbox_conversations.PAGE == 20


async def test_an_agent_who_reads_is_seen_to_have_looked(door: Door) -> None:
    acme, engine = door.cast.acme, door.cast.engine
    new = NewConversation(
        inbox_id=acme.inbox.id,
        owner_id=acme.id("carol"),
        participants=((acme.id("alice"), "member"),),
    )
    made = await conversations.create(engine, acme.actor("alice"), new)
    await door.carol.say(made.number, "hello")
    await messages.mark_read(engine, acme.actor("alice"), made.id)
    shown = (await door.carol.call("GET", f"/conversations/{made.number}")).json()
    assert shown["agent_last_seen_at"] == door.cast.clock.now() // 1_000_000


async def test_an_answer_holds_the_newest_messages_up_to_a_bound(door: Door) -> None:
    old, new = await door.carol.open(), await door.carol.open()
    for n in range(20):
        await door.carol.say(old["id"], f"{n} " + "x" * 149_000)
        await door.carol.say(new["id"], f"{n} " + "y" * 149_000)
    listed = (await door.carol.call("GET", "/conversations")).json()
    shown = {
        each["id"]: [int(m["content"].split()[0]) for m in each["messages"]] for each in listed
    }
    assert shown[new["id"]] == [*range(20)]
    assert 0 < len(shown[old["id"]]) < 20
    assert shown[old["id"]] == [*range(20)][-len(shown[old["id"]]) :]
    whole = (await door.carol.call("GET", f"/conversations/{old['id']}")).json()
    assert len(whole["messages"]) == 20


async def test_a_list_holds_the_newest_conversations(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_conversations, "MOST_LISTED", 2)
    made = [(await door.carol.open())["id"] for _ in range(3)]
    listed = (await door.carol.call("GET", "/conversations")).json()
    assert [each["id"] for each in listed] == made[1:]
    assert (await door.carol.call("GET", f"/conversations/{made[0]}")).status_code == 200
