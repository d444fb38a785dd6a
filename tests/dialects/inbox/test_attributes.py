"""The attributes of contacts are bounded, and rendered in time linear in their size."""

import json
from typing import Any

import pytest
from msgspec import structs

from koine.engine.core.attributes import ATTRIBUTES
from koine.engine.people import directory
from koine.model.actor import operator
from koine.model.identity import Identity
from koine.store.contacts import inboxes
from koine.store.core.db import Tx
from koine.store.people import identities
from tests.dialects.inbox.conftest import ContactClient, InboxClient
from tests.dialects.inbox.test_contacts import record

MANY = {f"k{n}": n for n in range(ATTRIBUTES.values + 1)}
HALF = {"a": {str(n): "x" * 1000 for n in range(9)}}


def refused(response: Any) -> bool:
    return (response.status_code, response.json().get("attributes")) == (422, ["custom_attributes"])


async def test_too_many_attributes_are_refused_on_create_update_and_new_conversation(
    inbox_client: InboxClient,
) -> None:
    body = {"custom_attributes": MANY}
    url = f"/public/api/v1/inboxes/{inbox_client.cast.acme.inbox.identifier}/contacts"
    assert refused(await inbox_client.web.post(url, json=body))
    assert refused(await inbox_client.carol.request("PATCH", json=body))
    assert refused(await inbox_client.carol.request("POST", "/conversations", json=body))
    assert (await inbox_client.carol.request("GET", "/conversations")).json() == []


async def test_patches_do_not_add_up_beyond_the_limit(inbox_client: InboxClient) -> None:
    bea = await inbox_client.new_contact(name="Bea")
    assert (await bea.request("PATCH", json={"custom_attributes": HALF})).status_code == 200
    more = {"a": {f"more {n}": "x" * 1000 for n in range(9)}}
    last = await bea.request("PATCH", json={"name": "New", "custom_attributes": more})
    assert refused(last)
    assert "maximum is 16384 bytes" in last.json()["message"]
    kept = await of(inbox_client, bea)
    assert (json.loads(kept.custom_attributes), kept.name) == (HALF, "Bea")


async def test_attributes_that_are_only_claimed_are_bounded_too(
    inbox_client: InboxClient,
) -> None:
    assert (
        await inbox_client.carol.request("PATCH", json={"custom_attributes": HALF})
    ).status_code == 200
    more = {"a": {f"more {n}": "x" * 1000 for n in range(9)}}
    assert refused(await inbox_client.carol.request("PATCH", json={"custom_attributes": more}))
    assert (await record(inbox_client, "carol")).custom_attributes == "{}"


async def test_a_merge_of_full_contacts_keeps_the_survivors_attributes(
    inbox_client: InboxClient,
) -> None:
    trusting_inbox = await inbox_client.trusting_inbox()
    one = await inbox_client.new_contact(
        trusting_inbox, email="one@web.test", custom_attributes=HALF
    )
    two = await inbox_client.new_contact(trusting_inbox, custom_attributes={"b": HALF["a"], "c": 1})
    response = await two.request("PATCH", json={"email": "one@web.test"})
    assert response.json()["id"] == (await one.request("GET")).json()["id"]
    assert "a" in (await one.request("PATCH", json={})).json()["custom_attributes"]


async def test_names_of_attributes_that_the_tenant_removed_do_not_accumulate(
    inbox_client: InboxClient,
) -> None:
    bea = await inbox_client.new_contact(name="Bea")
    for n in range(3):
        await bea.request("PATCH", json={"custom_attributes": {f"mine {n}": 1}})
        await blow_up(inbox_client, bea, {})
    await bea.request("PATCH", json={"custom_attributes": {"mine": 1}})
    assert json.loads((await of(inbox_client, bea)).settings) == {"given": ["mine"]}


async def test_of_an_old_contact_over_the_limit_as_much_as_fits_is_shown(
    inbox_client: InboxClient,
) -> None:
    bea = await inbox_client.new_contact(name="Bea")
    conversation = await bea.create_conversation()
    for _ in range(20):
        await bea.send(conversation["id"], "hi")
    await blow_up(inbox_client, bea, {f"k{n}": "x" * 20 for n in range(60_000)})
    shown = await bea.request("GET", "/conversations")
    assert shown.json()[0]["contact"]["custom_attributes"]["k0"] == "x" * 20
    assert len(shown.content) < 2 * ATTRIBUTES.bytes
    assert refused(await bea.request("PATCH", json={"custom_attributes": {"k0": 1}}))
    assert (await bea.request("PATCH", json={"name": "New"})).json()["name"] == "New"


@pytest.mark.parametrize(("size", "repeated"), [(1000, True), (5000, False)])
async def test_a_list_repeats_only_few_attributes_with_every_message(
    inbox_client: InboxClient, size: int, repeated: bool
) -> None:
    bag = {"a": {"b": "x" * size}}
    await inbox_client.carol.request("PATCH", json={"custom_attributes": bag})
    conversation = await inbox_client.carol.create_conversation()
    message = await inbox_client.carol.send(conversation["id"], "hi")
    assert message["sender"]["custom_attributes"] == (bag if repeated else {})
    assert conversation["contact"]["custom_attributes"] == bag


async def test_submitted_values_are_bounded(inbox_client: InboxClient) -> None:
    conversation = await inbox_client.carol.create_conversation()
    message = await inbox_client.carol.send(conversation["id"], "hi")
    path = f"/conversations/{conversation['id']}/messages/{message['id']}"
    for values in ([{"name": "a"}] * 600, {"value": "x" * ATTRIBUTES.bytes}):
        response = await inbox_client.carol.request(
            "PATCH", path, json={"submitted_values": values}
        )
        assert response.status_code == 422, response.text
        assert response.json()["attributes"] == ["submitted_values"]
    whole = (await inbox_client.carol.request("GET", f"/conversations/{conversation['id']}")).json()
    assert whole["messages"][0]["content_attributes"] == {}


async def of(client: InboxClient, contact: ContactClient) -> Identity:
    """The stored record of the contact."""
    found = await client.contact_as_staff((await contact.request("GET")).json()["id"])
    operator_actor = operator(client.cast.acme.tenant.id)
    return await directory.get(client.cast.engine, operator_actor, found["id"], "contact")


async def blow_up(
    client: InboxClient, contact_client: ContactClient, bag: dict[str, object]
) -> None:
    """Store attributes beyond the limits, as if the contact had sent them before there were any."""
    contact = await of(client, contact_client)
    given = list(bag) or json.loads(contact.settings)["given"]
    changed = structs.replace(
        contact, custom_attributes=json.dumps(bag), settings=json.dumps({"given": given})
    )
    await client.cast.engine.db.write(client.cast.acme.tenant.id, _write, contact_client, changed)


async def _write(tx: Tx, contact: ContactClient, changed: Identity) -> None:
    await identities.change(tx, changed)
    contact_inbox = await inboxes.get_contact_inbox(tx, contact.inbox.id, contact.source_id)
    assert contact_inbox is not None
    await inboxes.change_contact_inbox(tx, structs.replace(contact_inbox, given=None))
