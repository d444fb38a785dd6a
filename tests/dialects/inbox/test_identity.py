"""Nobody becomes, reads or changes another contact without proof (the ways in of the review)."""

from typing import Any

import pytest

from koine.engine import offboarding
from koine.engine.conversations import conversations, messages
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.model.actor import operator
from koine.model.conversation import NewConversation
from koine.model.identity import Identity, NewIdentity
from koine.model.message import Draft
from tests.dialects.inbox.conftest import ContactClient, InboxClient

MAIL = "victim@web.test"
SECRET = "the code is 4711"


async def victim(door: InboxClient) -> ContactClient:
    """One who proved who they are, gave an e-mail, and has said something."""
    guest = await door.verified_contact("victim-1", name="Victim", email=MAIL)
    await guest.say((await guest.open())["id"], SECRET)
    return guest


async def imported(door: InboxClient, **more: Any) -> Identity:
    """One whom the tenant knows, and who never came."""
    new = NewIdentity(
        kind="contact", name="Ivy Imported", email=MAIL, phone="+5511911111111",
        custom_attributes='{"plan":"gold"}', **more,
    )  # fmt: skip
    return await directory.create(door.cast.engine, operator(door.cast.acme.tenant.id), new)


async def seen_by(guest: ContactClient) -> str:
    """Everything the guest is answered."""
    told = [await guest.call("GET"), await guest.call("PATCH", json={})]
    return "".join(answer.text for answer in [*told, await guest.call("GET", "/conversations")])


async def kept(door: InboxClient, contact: Identity) -> Identity:
    boss = operator(door.cast.acme.tenant.id)
    return await directory.get(door.cast.engine, boss, contact.id, "contact")


@pytest.mark.parametrize("other_inbox", [False, True])
async def test_a_an_email_is_no_way_to_take_a_contact_over(
    inbox_client: InboxClient, other_inbox: bool
) -> None:
    target = await victim(inbox_client)
    inbox = await inbox_client.inbox() if other_inbox else None
    stranger = await inbox_client.newcomer(inbox, email=MAIL)
    await inbox_client.newcomer(inbox, email="mine@evil.test")
    changed = await stranger.call("PATCH", json={"email": "mine@evil.test"})
    assert changed.status_code == 200
    assert SECRET not in await seen_by(stranger)
    assert SECRET in (await target.call("GET", "/conversations")).text


async def test_b_ones_own_proof_is_no_proof_of_whose_email_one_names(
    inbox_client: InboxClient,
) -> None:
    target = await victim(inbox_client)
    stranger = await inbox_client.verified_contact("stranger-1", email=MAIL)
    mine = (await stranger.call("GET")).json()
    assert mine["id"] != (await target.call("GET")).json()["id"]
    assert SECRET not in await seen_by(stranger)


async def test_c_no_merge_moves_a_proof_along(inbox_client: InboxClient) -> None:
    target = await victim(inbox_client)
    proven = await inbox_client.verified_contact("stranger-1", email="mine@evil.test")
    second = await inbox_client.newcomer(email=MAIL)
    for guest in (second, proven):
        for given in ({"email": "mine@evil.test"}, {"email": MAIL}):
            await guest.call("PATCH", json=given)
        assert SECRET not in await seen_by(guest)
    assert (await target.call("GET")).json()["email"] == MAIL


async def test_d_what_the_tenant_opens_goes_to_no_stranger(inbox_client: InboxClient) -> None:
    ivy, acme = await imported(inbox_client), inbox_client.cast.acme
    strangers = [await inbox_client.newcomer(email=MAIL), await inbox_client.newcomer()]
    await strangers[1].call("PATCH", json={"email": MAIL})
    new = NewConversation(inbox_id=acme.inbox.id, owner_id=ivy.id)
    made = await conversations.create(inbox_client.cast.engine, acme.actor("alice"), new)
    draft = Draft(content=SECRET, sender_id=acme.id("alice"), sender_kind="user")
    await messages.send(inbox_client.cast.engine, acme.actor("alice"), made.id, draft)
    for stranger in strangers:
        assert SECRET not in await seen_by(stranger)


@pytest.mark.parametrize(
    "named", [{"email": MAIL}, {"phone_number": "+5511911111111"}, {"identifier": "ivy-1"}]
)
async def test_e_a_name_is_no_way_to_read_or_change_a_contact(
    inbox_client: InboxClient, named: dict[str, Any]
) -> None:
    ivy = await imported(inbox_client, identifier="ivy-1")
    guest = await inbox_client.newcomer(**named)
    await guest.call("PATCH", json={"name": "Taken", "phone_number": "+5511922222222"})
    await guest.call("PATCH", json={"custom_attributes": {"plan": "free"}, **named})
    told = await seen_by(guest)
    for value in {"Ivy", "ivy-1", "gold", MAIL, "+5511911111111"} - {*named.values()}:
        assert value not in told
    assert await kept(inbox_client, ivy) == ivy


async def test_a_claim_is_answered_to_who_gave_it_and_shown_to_staff(
    inbox_client: InboxClient,
) -> None:
    await imported(inbox_client)
    guest = await inbox_client.newcomer(email=MAIL, phone_number="+5511933333333")
    told = (await guest.call("GET")).json()
    assert (told["email"], told["phone_number"]) == (MAIL, "+5511933333333")
    found = await inbox_client.native(told["id"])
    assert (found["email"], found["claims"]["emails"]) == (None, [MAIL])
    assert (found["phone"], found["unverified"]) == ("+5511933333333", ["phone"])


async def test_what_the_tenant_names_is_taken_from_who_only_said_it(
    inbox_client: InboxClient,
) -> None:
    guest = await inbox_client.newcomer(email=MAIL, identifier="ivy-1")
    number = (await guest.call("GET")).json()["id"]
    assert (await inbox_client.native(number))["unverified"] == ["email", "identifier"]
    ivy = await imported(inbox_client, identifier="ivy-1")
    assert (ivy.email, ivy.identifier) == (MAIL, "ivy-1")
    found = await inbox_client.native(number)
    assert (found["email"], found["identifier"], found["unverified"]) == (None, None, [])
    assert (found["claims"]["emails"], found["claims"]["identifiers"]) == ([MAIL], ["ivy-1"])
    assert (await guest.call("GET")).json()["email"] == MAIL


async def test_what_staff_wrote_of_a_visitor_is_not_shown_to_it(inbox_client: InboxClient) -> None:
    guest = await inbox_client.newcomer(name="Bea", custom_attributes={"plan": "basic"})
    found = await inbox_client.native((await guest.call("GET")).json()["id"])
    changes = PersonChanges(
        name="Bea (rude)", last_name="Barks", location="Berlin", email="bea@work.test",
        custom_attributes='{"plan":"basic","note":"difficult"}',
    )  # fmt: skip
    alice = inbox_client.cast.acme.actor("ada")
    await directory.change(inbox_client.cast.engine, alice, found["id"], "contact", changes)
    told = await seen_by(guest)
    for value in ("rude", "Barks", "Berlin", "bea@work.test", "difficult"):
        assert value not in told
    assert "basic" in told


async def test_an_old_proof_is_worth_nothing_for_a_new_identifier(
    inbox_client: InboxClient,
) -> None:
    target = await victim(inbox_client)
    found = await inbox_client.native((await target.call("GET")).json()["id"])
    changes = PersonChanges(identifier="somebody-else")
    ada = inbox_client.cast.acme.actor("ada")
    await directory.change(inbox_client.cast.engine, ada, found["id"], "contact", changes)
    assert (await target.call("GET", "/conversations")).status_code == 401
    target.headers["X-Identifier-Hash"] = inbox_client.sign("somebody-else")
    assert SECRET in (await target.call("GET", "/conversations")).text


async def test_with_proof_a_visitor_becomes_the_contact_it_is(inbox_client: InboxClient) -> None:
    target = await victim(inbox_client)
    visitor = await inbox_client.newcomer()
    made = await visitor.open()
    given = {
        "email": MAIL,
        "identifier": "victim-1",
        "identifier_hash": inbox_client.sign("victim-1"),
    }
    told = await visitor.call("PATCH", json=given)
    assert told.json()["id"] == (await target.call("GET")).json()["id"]
    listed = (await target.call("GET", "/conversations")).json()
    assert made["id"] in [each["id"] for each in listed]
    assert (await visitor.call("GET")).status_code == 401


async def test_a_trusting_inbox_gives_nobody_who_proved_who_they_are(
    inbox_client: InboxClient,
) -> None:
    target = await victim(inbox_client)
    bridge = await inbox_client.api_inbox()
    for named in ({"email": MAIL}, {"identifier": "victim-1"}):
        guest = await inbox_client.newcomer(bridge, **named)
        await guest.call("PATCH", json=named | {"name": "Taken"})
        assert SECRET not in await seen_by(guest)
    told = (await target.call("GET")).json()
    assert (told["name"], told["email"]) == ("Victim", MAIL)


async def test_a_removed_contacts_source_id_begins_anew(inbox_client: InboxClient) -> None:
    guest = await inbox_client.newcomer(name="First", source_id="browser-1")
    made = await guest.open()
    found = await inbox_client.native((await guest.call("GET")).json()["id"])
    await offboarding.remove(
        inbox_client.cast.engine, inbox_client.cast.acme.actor("ada"), found["id"], "contact"
    )
    assert (await guest.call("GET")).status_code == 404
    again = await inbox_client.create_contact(source_id="browser-1", name="Second")
    assert (again["source_id"], again["name"]) == ("browser-1", "Second")
    assert again["id"] != found["number"]
    assert (await guest.call("GET", "/conversations")).json() == []
    assert (await guest.call("GET", f"/conversations/{made['id']}")).status_code == 404
