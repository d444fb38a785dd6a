"""Nobody becomes, reads or changes another contact without proof. Each test is an attack."""

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


async def victim(client: InboxClient) -> ContactClient:
    """A verified contact with an e-mail and a message."""
    contact = await client.verified_contact("victim-1", name="Victim", email=MAIL)
    await contact.send((await contact.create_conversation())["id"], SECRET)
    return contact


async def imported(client: InboxClient, **more: Any) -> Identity:
    """A contact that the tenant created, and that never made a request."""
    new = NewIdentity(
        kind="contact", name="Ivy Imported", email=MAIL, phone="+5511911111111",
        custom_attributes='{"plan":"gold"}', **more,
    )  # fmt: skip
    return await directory.create(client.cast.engine, operator(client.cast.acme.tenant.id), new)


async def seen_by(contact: ContactClient) -> str:
    """Everything that the contact's client receives."""
    result = [await contact.request("GET"), await contact.request("PATCH", json={})]
    return "".join(
        response.text for response in [*result, await contact.request("GET", "/conversations")]
    )


async def stored(client: InboxClient, contact: Identity) -> Identity:
    operator_actor = operator(client.cast.acme.tenant.id)
    return await directory.get(client.cast.engine, operator_actor, contact.id, "contact")


@pytest.mark.parametrize("other_inbox", [False, True])
async def test_a_an_email_is_no_way_to_take_a_contact_over(
    inbox_client: InboxClient, other_inbox: bool
) -> None:
    target = await victim(inbox_client)
    inbox = await inbox_client.new_inbox() if other_inbox else None
    attacker = await inbox_client.new_contact(inbox, email=MAIL)
    await inbox_client.new_contact(inbox, email="mine@evil.test")
    changed = await attacker.request("PATCH", json={"email": "mine@evil.test"})
    assert changed.status_code == 200
    assert SECRET not in await seen_by(attacker)
    assert SECRET in (await target.request("GET", "/conversations")).text


async def test_b_ones_own_proof_is_no_proof_of_whose_email_one_names(
    inbox_client: InboxClient,
) -> None:
    target = await victim(inbox_client)
    attacker = await inbox_client.verified_contact("attacker-1", email=MAIL)
    own = (await attacker.request("GET")).json()
    assert own["id"] != (await target.request("GET")).json()["id"]
    assert SECRET not in await seen_by(attacker)


async def test_c_no_merge_moves_a_proof_along(inbox_client: InboxClient) -> None:
    target = await victim(inbox_client)
    proven = await inbox_client.verified_contact("attacker-1", email="mine@evil.test")
    second = await inbox_client.new_contact(email=MAIL)
    for contact in (second, proven):
        for body in ({"email": "mine@evil.test"}, {"email": MAIL}):
            await contact.request("PATCH", json=body)
        assert SECRET not in await seen_by(contact)
    assert (await target.request("GET")).json()["email"] == MAIL


async def test_d_a_conversation_that_the_tenant_opens_reaches_no_attacker(
    inbox_client: InboxClient,
) -> None:
    ivy, acme = await imported(inbox_client), inbox_client.cast.acme
    attackers = [await inbox_client.new_contact(email=MAIL), await inbox_client.new_contact()]
    await attackers[1].request("PATCH", json={"email": MAIL})
    new = NewConversation(inbox_id=acme.inbox.id, owner_id=ivy.id)
    conversation = await conversations.create(inbox_client.cast.engine, acme.actor("alice"), new)
    draft = Draft(content=SECRET, sender_id=acme.id("alice"), sender_kind="user")
    await messages.send(inbox_client.cast.engine, acme.actor("alice"), conversation.id, draft)
    for attacker in attackers:
        assert SECRET not in await seen_by(attacker)


@pytest.mark.parametrize(
    "named", [{"email": MAIL}, {"phone_number": "+5511911111111"}, {"identifier": "ivy-1"}]
)
async def test_e_a_name_is_no_way_to_read_or_change_a_contact(
    inbox_client: InboxClient, named: dict[str, Any]
) -> None:
    ivy = await imported(inbox_client, identifier="ivy-1")
    contact = await inbox_client.new_contact(**named)
    await contact.request("PATCH", json={"name": "Taken", "phone_number": "+5511922222222"})
    await contact.request("PATCH", json={"custom_attributes": {"plan": "free"}, **named})
    result = await seen_by(contact)
    for value in {"Ivy", "ivy-1", "gold", MAIL, "+5511911111111"} - {*named.values()}:
        assert value not in result
    assert await stored(inbox_client, ivy) == ivy


async def test_a_claim_is_shown_to_the_client_that_made_it_and_to_staff(
    inbox_client: InboxClient,
) -> None:
    await imported(inbox_client)
    contact = await inbox_client.new_contact(email=MAIL, phone_number="+5511933333333")
    body = (await contact.request("GET")).json()
    assert (body["email"], body["phone_number"]) == (MAIL, "+5511933333333")
    found = await inbox_client.contact_as_staff(body["id"])
    assert (found["email"], found["claims"]["emails"]) == (None, [MAIL])
    assert (found["phone"], found["unverified"]) == ("+5511933333333", ["phone"])


async def test_a_value_that_the_tenant_sets_is_taken_from_a_contact_that_only_claimed_it(
    inbox_client: InboxClient,
) -> None:
    contact = await inbox_client.new_contact(email=MAIL, identifier="ivy-1")
    number = (await contact.request("GET")).json()["id"]
    assert (await inbox_client.contact_as_staff(number))["unverified"] == ["email", "identifier"]
    ivy = await imported(inbox_client, identifier="ivy-1")
    assert (ivy.email, ivy.identifier) == (MAIL, "ivy-1")
    found = await inbox_client.contact_as_staff(number)
    assert (found["email"], found["identifier"], found["unverified"]) == (None, None, [])
    assert (found["claims"]["emails"], found["claims"]["identifiers"]) == ([MAIL], ["ivy-1"])
    assert (await contact.request("GET")).json()["email"] == MAIL


async def test_values_that_staff_wrote_are_not_shown_to_a_visitor(
    inbox_client: InboxClient,
) -> None:
    contact = await inbox_client.new_contact(name="Bea", custom_attributes={"plan": "basic"})
    found = await inbox_client.contact_as_staff((await contact.request("GET")).json()["id"])
    changes = PersonChanges(
        name="Bea (rude)", last_name="Barks", location="Berlin", email="bea@work.test",
        custom_attributes='{"plan":"basic","note":"difficult"}',
    )  # fmt: skip
    alice = inbox_client.cast.acme.actor("ada")
    await directory.change(inbox_client.cast.engine, alice, found["id"], "contact", changes)
    result = await seen_by(contact)
    for value in ("rude", "Barks", "Berlin", "bea@work.test", "difficult"):
        assert value not in result
    assert "basic" in result


async def test_an_old_proof_does_not_hold_for_a_new_identifier(
    inbox_client: InboxClient,
) -> None:
    target = await victim(inbox_client)
    found = await inbox_client.contact_as_staff((await target.request("GET")).json()["id"])
    changes = PersonChanges(identifier="somebody-else")
    ada = inbox_client.cast.acme.actor("ada")
    await directory.change(inbox_client.cast.engine, ada, found["id"], "contact", changes)
    assert (await target.request("GET", "/conversations")).status_code == 401
    target.headers["X-Identifier-Hash"] = inbox_client.sign("somebody-else")
    assert SECRET in (await target.request("GET", "/conversations")).text


async def test_with_proof_a_visitor_becomes_the_contact_it_is(inbox_client: InboxClient) -> None:
    target = await victim(inbox_client)
    visitor = await inbox_client.new_contact()
    conversation = await visitor.create_conversation()
    body = {
        "email": MAIL,
        "identifier": "victim-1",
        "identifier_hash": inbox_client.sign("victim-1"),
    }
    response = await visitor.request("PATCH", json=body)
    assert response.json()["id"] == (await target.request("GET")).json()["id"]
    listed = (await target.request("GET", "/conversations")).json()
    assert conversation["id"] in [each["id"] for each in listed]
    assert (await visitor.request("GET")).status_code == 401


async def test_a_trusting_inbox_gives_no_access_to_a_verified_contact(
    inbox_client: InboxClient,
) -> None:
    target = await victim(inbox_client)
    trusting_inbox = await inbox_client.trusting_inbox()
    for named in ({"email": MAIL}, {"identifier": "victim-1"}):
        contact = await inbox_client.new_contact(trusting_inbox, **named)
        await contact.request("PATCH", json=named | {"name": "Taken"})
        assert SECRET not in await seen_by(contact)
    body = (await target.request("GET")).json()
    assert (body["name"], body["email"]) == ("Victim", MAIL)


async def test_the_source_id_of_a_removed_contact_creates_a_new_contact(
    inbox_client: InboxClient,
) -> None:
    contact = await inbox_client.new_contact(name="First", source_id="browser-1")
    conversation = await contact.create_conversation()
    found = await inbox_client.contact_as_staff((await contact.request("GET")).json()["id"])
    await offboarding.remove(
        inbox_client.cast.engine, inbox_client.cast.acme.actor("ada"), found["id"], "contact"
    )
    assert (await contact.request("GET")).status_code == 404
    again = await inbox_client.create_contact(source_id="browser-1", name="Second")
    assert (again["source_id"], again["name"]) == ("browser-1", "Second")
    assert again["id"] != found["number"]
    assert (await contact.request("GET", "/conversations")).json() == []
    assert (await contact.request("GET", f"/conversations/{conversation['id']}")).status_code == 404
