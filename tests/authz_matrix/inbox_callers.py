"""The callers of the inbox dialect: the path is the credential, with an identity hash where one is
required."""

from sqlalchemy import update

from koine.engine.contacts import inboxes
from koine.engine.contacts.inboxes import NewInbox
from koine.engine.people import directory
from koine.kit.ids import new_id
from koine.kit.tokens import random_token
from koine.model.actor import operator
from koine.model.identity import NewIdentity
from koine.model.inbox import ContactInbox, Inbox
from koine.store import number_sequences
from koine.store.contacts import inboxes as rows
from koine.store.core.db import Tx
from koine.store.core.statements import Command, param
from koine.store.tables import counters as counter_rows
from tests.authz_matrix.callers import Caller
from tests.cast import Cast, CastTenant

IVY = {"number": "number of ivy", "numbered_message": "numbered_message_of_ivy"}
"""Ivy's own targets: they are in the inbox that requires an identity."""


_SKIP_NUMBERS = Command(
    update(counter_rows)
    .where(
        counter_rows.c.tenant_id == param("tenant_id"), counter_rows.c.name == "number:conversation"
    )
    .values(value=counter_rows.c.value + 1_000_000)
)


async def inbox_callers(cast: Cast) -> list[Caller]:
    """All callers, with valid and invalid paths and hashes."""
    acme, rival = cast.acme, cast.rival
    strict = await _inbox_with_identity_required(cast, acme)
    await _inbox_with_identity_required(cast, rival)
    # Each tenant counts its conversations: the rival's numbers must not exist here, too.
    await cast.engine.db.write(rival.tenant.id, _skip_numbers)
    ivy, carol = acme.contact_inboxes["ivy"].source_id, acme.contact_inboxes["carol"].source_id
    hash_ = cast.identity_hash("ivy", strict)
    carols = cast.identity_hash("carol", strict)
    site, foreign = acme.inbox.identifier, rival.inbox.identifier
    closed = await inboxes.create(cast.engine, operator(acme.tenant.id), NewInbox(name="Closed"))
    await inboxes.remove(cast.engine, operator(acme.tenant.id), closed.id)
    theirs = rival.contact_inboxes["carol"].source_id
    return [
        _inbox_caller("carol", "carol", site, carol),
        _inbox_caller("rival's carol", "carol", foreign, theirs, company="rival"),
        _inbox_caller("ivy with her hash", "ivy", strict.identifier, ivy, hash_, IVY),
        _inbox_caller("ivy without a hash", "unproven", strict.identifier, ivy),
        _inbox_caller("ivy with a wrong hash", "unproven", strict.identifier, ivy, "0" * 64),
        _inbox_caller("ivy with another's hash", "unproven", strict.identifier, ivy, carols),
        _inbox_caller("ivy with a capital hash", "unproven", strict.identifier, ivy, hash_.upper()),
        _inbox_caller("carol with a hash of nothing", "unproven", site, carol, hash_),
        _inbox_caller("an unknown contact", "lost-contact", site, new_id()),
        _inbox_caller("ivy in carol's inbox", "lost-contact", site, ivy),
        _inbox_caller("the rival's carol here", "lost-contact", site, theirs),
        _inbox_caller("carol by her id", "lost-contact", site, acme.id("carol")),
        _inbox_caller("carol in an unknown inbox", "lost-inbox", random_token(24), carol),
        _inbox_caller("carol in a closed inbox", "lost-inbox", closed.identifier, carol),
        _inbox_caller("carol by the inbox's id", "lost-inbox", acme.inbox.id, carol),
        _inbox_caller("nonsense", "lost-inbox", "%E2%98%83", "..%2f.."),
    ]


def _inbox_caller(
    name: str,
    who: str,
    inbox: str,
    contact: str,
    hash_: str = "",
    aliases: dict[str, str] | None = None,
    company: str = "acme",
) -> Caller:
    headers = {"X-Identifier-Hash": hash_} if hash_ else {}
    path = {"inbox": inbox, "contact": contact}
    return Caller(name, "contact", who, headers, company, path=path, aliases=aliases or {})


async def _skip_numbers(tx: Tx) -> None:
    await number_sequences.next_number(tx, "conversation")
    assert await tx.run(_SKIP_NUMBERS) == 1


async def _inbox_with_identity_required(cast: Cast, of: CastTenant) -> Inbox:
    """An inbox that requires an identity, with Ivy in it."""
    admin = operator(of.tenant.id)
    inbox = await inboxes.create(
        cast.engine, admin, NewInbox(name="Strict", identity_required=True)
    )
    new = NewIdentity(kind="contact", name="Ivy", identifier=f"ivy-{new_id()}")
    if of is cast.acme and "ivy" not in of.people:
        new = NewIdentity(kind="contact", name="Ivy", identifier="ivy")
    ivy = await directory.create(cast.engine, admin, new)
    # As if her hash had been sent before: the first request with a hash stores that it was, which
    # the fingerprints would report as a change.
    contact_inbox = ContactInbox(
        inbox.id, ivy.id, new_id(), random_token(), True, 1, ivy.identifier, "joined"
    )
    await cast.engine.db.write(of.tenant.id, rows.insert_contact_inbox, contact_inbox)
    of.people["ivy"], of.contact_inboxes["ivy"] = ivy, contact_inbox
    return inbox
