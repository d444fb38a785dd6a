"""An attacker who knows all but the secrets, and contacts of whom it must learn nothing.

The attacker has inbox identifiers, guesses every e-mail, phone number and identifier of the
tenant's contacts, and has one identifier of its own with its valid hash. What it may read of others
is marked, so that a search in each response finds what leaked.
"""

from random import Random
from typing import Any

import msgspec
from msgspec import Struct

from koine.engine.contacts import callers
from koine.engine.contacts.rights import may_see_conversation
from koine.engine.conversations import conversations, messages
from koine.engine.people import directory
from koine.kit.ids import new_id
from koine.model.actor import operator
from koine.model.conversation import Conversation, NewConversation
from koine.model.errors import Refusal
from koine.model.identity import Identity, NewIdentity
from koine.model.message import Draft
from koine.store.contacts import inboxes
from koine.store.people import identities
from tests.dialects.inbox.conftest import BASE, ContactClient, InboxClient

MARK = "canary"
OWN = "attacker-1"


class Victims(Struct):
    """Contacts to protect: one is verified, one has an identifier, one an e-mail."""

    names: dict[str, list[str]]
    contacts: list[Identity]
    conversations: list[Conversation]


async def victims(client: InboxClient) -> Victims:
    """Three contacts with secrets; their e-mails, phones and identifiers are unique."""
    tag = new_id()[-12:]
    phones = [f"+55119{Random(tag).randrange(10**7):07}{n}" for n in range(3)]
    mails, ids = [f"{n}-{tag}@web.test" for n in range(3)], [f"{n}-{tag}" for n in range(2)]
    proven = await client.verified_contact(
        ids[0], name=f"{MARK} one", email=mails[0], phone_number=phones[0],
        custom_attributes={"secret": MARK},
    )  # fmt: skip
    await proven.send((await proven.create_conversation())["id"], MARK)
    found = await client.contact_as_staff((await proven.request("GET")).json()["id"])
    operator_actor = operator(client.cast.acme.tenant.id)
    created = [await directory.get(client.cast.engine, operator_actor, found["id"], "contact")]
    for n, identifier in ((1, ids[1]), (2, None)):
        new = NewIdentity(
            kind="contact", name=f"{MARK} {n}", email=mails[n], phone=phones[n],
            identifier=identifier, custom_attributes=f'{{"secret":"{MARK}"}}',
        )  # fmt: skip
        created.append(await directory.create(client.cast.engine, operator_actor, new))
    named = {"email": mails, "phone_number": phones, "identifier": ids}
    return Victims(named, created, [await _new_conversation(client, each) for each in created])


async def _new_conversation(client: InboxClient, contact: Identity) -> Conversation:
    acme = client.cast.acme
    new = NewConversation(inbox_id=acme.inbox.id, owner_id=contact.id)
    conversation = await conversations.create(client.cast.engine, acme.actor("alice"), new)
    draft = Draft(content=MARK, sender_id=acme.id("alice"), sender_kind="user")
    await messages.send(client.cast.engine, acme.actor("alice"), conversation.id, draft)
    return conversation


async def leaks(client: InboxClient, seed: int, steps: int) -> list[str]:
    """Make one random sequence of the attacker's requests; return what leaked or was changed."""
    chance, of = Random(seed), await victims(client)
    before = await _stored(client, of)
    other_inbox = await client.new_inbox()
    own_contacts: list[ContactClient] = []
    found: list[str] = []
    for _ in range(steps):
        inbox = chance.choice([client.cast.acme.inbox, other_inbox])
        result = await _step(client, chance, of, own_contacts, inbox)
        if MARK in result:
            found.append(f"read: {result[:200]}")
    found += [line for contact in own_contacts for line in await _stream_leaks(client, of, contact)]
    if await _stored(client, of) != before:
        found.append("changed a contact, or one of its contact inboxes")
    return found


async def _step(
    client: InboxClient, chance: Random, of: Victims, own_contacts: list[ContactClient], inbox: Any
) -> str:
    kind = chance.choice(["create", "patch", "patch", "get", "list", "open", "say", "close"])
    if kind == "create" or not own_contacts:
        fields = _random_fields(client, chance, of, inbox)
        url = f"{BASE}/{inbox.identifier}/contacts"
        response = await client.web.post(url, json=fields)
        if response.status_code == 200:
            contact = client.contact_client(response.json()["source_id"], inbox)
            if fields.get("identifier_hash"):
                contact.headers["X-Identifier-Hash"] = str(fields["identifier_hash"])
            own_contacts.append(contact)
        return str(response.text)
    contact = chance.choice(own_contacts)
    if chance.random() < 0.2:
        contact.headers["X-Identifier-Hash"] = client.sign(OWN, contact.inbox)
    number = chance.choice(of.conversations).number
    if kind == "patch":
        return (
            await contact.request("PATCH", json=_random_fields(client, chance, of, contact.inbox))
        ).text
    if kind == "open":
        return (await contact.request("POST", "/conversations", json={})).text
    path = {"get": "", "list": "/conversations"}.get(kind, f"/conversations/{number}/messages")
    if kind == "say":
        return (await contact.request("POST", path, json={"content": "hello"})).text
    return (await contact.request("GET", path)).text


def _random_fields(
    client: InboxClient, chance: Random, of: Victims, inbox: Any
) -> dict[str, object]:
    """Values of the victims, or the attacker's own, with its own hash, a wrong one or none."""
    fields: dict[str, object] = {}
    for field, known in of.names.items():
        own = {"email": "own@evil.test", "phone_number": "+5511900000000", "identifier": OWN}
        if chance.random() < 0.6:
            fields[field] = chance.choice([*known, own[field]])
    if chance.random() < 0.5:
        fields["identifier_hash"] = chance.choice([client.sign(OWN, inbox), "0" * 64])
    if chance.random() < 0.3:
        fields |= {"name": "Attacker", "custom_attributes": {"secret": "mine"}}
    return fields


async def _stream_leaks(client: InboxClient, of: Victims, contact: ContactClient) -> list[str]:
    """What the attacker's contact inbox would receive of the victims' conversations by `/cable`."""
    engine, tenant_id = client.cast.engine, client.cast.acme.tenant.id
    contact_inbox = await engine.db.read(
        tenant_id, inboxes.get_contact_inbox, contact.inbox.id, contact.source_id
    )
    assert contact_inbox is not None
    try:
        entry = await callers.resolve_stream_token(engine, contact_inbox.pubsub_token)
    except Refusal:
        return []
    found = [
        "received a conversation"
        for conversation in of.conversations
        if may_see_conversation(*entry.contact_at_inbox, conversation)
    ]
    return found + (["received a name"] if MARK in (entry.public_contact.name or "") else [])


async def _stored(client: InboxClient, of: Victims) -> bytes:
    """The rows of the victims and their contact inboxes."""
    engine, tenant_id = client.cast.engine, client.cast.acme.tenant.id
    ids = [each.id for each in of.contacts]
    rows = await engine.db.read(tenant_id, identities.get_by_ids, ids)
    contact_inboxes = await engine.db.read(tenant_id, inboxes.contact_inboxes_of, ids)
    return msgspec.json.encode([[rows[i] for i in ids], contact_inboxes])
