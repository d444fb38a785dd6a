"""Strangers who know all but the secrets, and contacts of whom they must learn nothing.

A stranger has inbox identifiers, guesses every e-mail, phone number and identifier of the tenant's
contacts, and has one identifier of its own with its valid hash. What it may read of others is
marked, so that one look at an answer tells whether anything got out.
"""

from random import Random
from typing import Any

import msgspec
from msgspec import Struct

from koine.engine.contacts import session
from koine.engine.contacts.rights import may_see_conversation
from koine.engine.conversations import conversations, messages
from koine.engine.people import directory
from koine.kit.ids import new_id
from koine.model.actor import operator
from koine.model.conversation import Conversation, NewConversation
from koine.model.errors import Refusal
from koine.model.identity import Identity, NewIdentity
from koine.model.message import Draft
from koine.store.people import identities, inboxes
from tests.dialects.inbox.conftest import BASE, ContactClient, InboxClient

MARK = "canary"
OWN = "stranger-1"


class Victims(Struct):
    """Who must be left alone: one proved who they are, one has an identifier, one an e-mail."""

    names: dict[str, list[str]]
    contacts: list[Identity]
    talks: list[Conversation]


async def victims(door: InboxClient) -> Victims:
    """Three contacts with something to hide, each under names that are unique to them."""
    tag = new_id()[-12:]
    phones = [f"+55119{Random(tag).randrange(10**7):07}{n}" for n in range(3)]
    mails, ids = [f"{n}-{tag}@web.test" for n in range(3)], [f"{n}-{tag}" for n in range(2)]
    proven = await door.verified_contact(
        ids[0], name=f"{MARK} one", email=mails[0], phone_number=phones[0],
        custom_attributes={"secret": MARK},
    )  # fmt: skip
    await proven.say((await proven.open())["id"], MARK)
    found = await door.native((await proven.call("GET")).json()["id"])
    boss = operator(door.cast.acme.tenant.id)
    made = [await directory.get(door.cast.engine, boss, found["id"], "contact")]
    for n, identifier in ((1, ids[1]), (2, None)):
        new = NewIdentity(
            kind="contact", name=f"{MARK} {n}", email=mails[n], phone=phones[n],
            identifier=identifier, custom_attributes=f'{{"secret":"{MARK}"}}',
        )  # fmt: skip
        made.append(await directory.create(door.cast.engine, boss, new))
    named = {"email": mails, "phone_number": phones, "identifier": ids}
    return Victims(named, made, [await _opened(door, each) for each in made])


async def _opened(door: InboxClient, contact: Identity) -> Conversation:
    acme = door.cast.acme
    new = NewConversation(inbox_id=acme.inbox.id, owner_id=contact.id)
    made = await conversations.create(door.cast.engine, acme.actor("alice"), new)
    draft = Draft(content=MARK, sender_id=acme.id("alice"), sender_kind="user")
    await messages.send(door.cast.engine, acme.actor("alice"), made.id, draft)
    return made


async def leaks(door: InboxClient, seed: int, steps: int) -> list[str]:
    """One random sequence of a stranger's calls; what got out or was changed by it."""
    chance, of = Random(seed), await victims(door)
    before = await _kept(door, of)
    lax = await door.inbox()
    mine: list[ContactClient] = []
    found: list[str] = []
    for _ in range(steps):
        inbox = chance.choice([door.cast.acme.inbox, lax])
        told = await _step(door, chance, of, mine, inbox)
        if MARK in told:
            found.append(f"read: {told[:200]}")
    found += [line for guest in mine for line in await _heard(door, of, guest)]
    if await _kept(door, of) != before:
        found.append("changed a contact, or one of its places")
    return found


async def _step(
    door: InboxClient, chance: Random, of: Victims, mine: list[ContactClient], inbox: Any
) -> str:
    kind = chance.choice(["create", "patch", "patch", "get", "list", "open", "say", "close"])
    if kind == "create" or not mine:
        given = _given(door, chance, of, inbox)
        url = f"{BASE}/{inbox.identifier}/contacts"
        answer = await door.web.post(url, json=given)
        if answer.status_code == 200:
            guest = door.guest(answer.json()["source_id"], inbox)
            if given.get("identifier_hash"):
                guest.headers["X-Identifier-Hash"] = str(given["identifier_hash"])
            mine.append(guest)
        return str(answer.text)
    guest = chance.choice(mine)
    if chance.random() < 0.2:
        guest.headers["X-Identifier-Hash"] = door.sign(OWN, guest.inbox)
    number = chance.choice(of.talks).number
    if kind == "patch":
        return (await guest.call("PATCH", json=_given(door, chance, of, guest.inbox))).text
    if kind == "open":
        return (await guest.call("POST", "/conversations", json={})).text
    path = {"get": "", "list": "/conversations"}.get(kind, f"/conversations/{number}/messages")
    if kind == "say":
        return (await guest.call("POST", path, json={"content": "hello"})).text
    return (await guest.call("GET", path)).text


def _given(door: InboxClient, chance: Random, of: Victims, inbox: Any) -> dict[str, object]:
    """Names of the victims, or the stranger's own, with its own hash, a wrong one or none."""
    given: dict[str, object] = {}
    for field, known in of.names.items():
        own = {"email": "own@evil.test", "phone_number": "+5511900000000", "identifier": OWN}
        if chance.random() < 0.6:
            given[field] = chance.choice([*known, own[field]])
    if chance.random() < 0.5:
        given["identifier_hash"] = chance.choice([door.sign(OWN, inbox), "0" * 64])
    if chance.random() < 0.3:
        given |= {"name": "Stranger", "custom_attributes": {"secret": "mine"}}
    return given


async def _heard(door: InboxClient, of: Victims, guest: ContactClient) -> list[str]:
    """What the stranger's place would be told over a socket of the victims' conversations."""
    engine, tenant_id = door.cast.engine, door.cast.acme.tenant.id
    place = await engine.db.read(tenant_id, inboxes.contact_inbox, guest.inbox.id, guest.source_id)
    assert place is not None
    try:
        entry = await session.resolve_stream_token(engine, place.pubsub_token)
    except Refusal:
        return []
    found = [
        "heard a conversation"
        for talk in of.talks
        if may_see_conversation(*entry.contact_at_inbox, talk)
    ]
    return found + (["heard a name"] if MARK in (entry.public_contact.name or "") else [])


async def _kept(door: InboxClient, of: Victims) -> bytes:
    """The victims' rows and their places', as they are kept."""
    engine, tenant_id = door.cast.engine, door.cast.acme.tenant.id
    ids = [each.id for each in of.contacts]
    rows = await engine.db.read(tenant_id, identities.by_ids, ids)
    places = await engine.db.read(tenant_id, inboxes.contact_inboxes_of, ids)
    return msgspec.json.encode([[rows[i] for i in ids], places])
