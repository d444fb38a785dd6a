"""Who calls the inbox dialect: its paths are the credential, and an identity hash may raise it."""

from sqlalchemy import update

from koine.engine.contacts import inboxes
from koine.engine.contacts.inboxes import NewInbox
from koine.engine.people import directory
from koine.kit.ids import new_id
from koine.kit.tokens import hmac_hex, random_token
from koine.model.actor import operator
from koine.model.identity import NewIdentity
from koine.model.inbox import ContactInbox, Inbox
from koine.store.conversations import counters
from koine.store.core.db import Tx
from koine.store.core.statements import Command, param
from koine.store.people import inboxes as rows
from koine.store.tables import counters as counter_rows
from tests.authz_matrix.callers import Caller
from tests.cast import Cast, Company

IVY = {"number": "number of ivy", "said": "said by ivy"}
"""What Ivy's own things are called: her inbox takes nobody without a hash."""


_COUNT_ON = Command(
    update(counter_rows)
    .where(
        counter_rows.c.tenant_id == param("tenant_id"), counter_rows.c.name == "number:conversation"
    )
    .values(value=counter_rows.c.value + 1_000_000)
)


async def guests(cast: Cast) -> list[Caller]:
    """Good and bad; `who` is the column of the verdicts."""
    acme, rival = cast.acme, cast.rival
    strict = await _strict(cast, acme)
    await _strict(cast, rival)
    # Numbers are counted in each tenant: the rival's must not be numbers of our own.
    await cast.engine.db.write(rival.tenant.id, _count_on)
    ivy, carol = acme.places["ivy"].source_id, acme.places["carol"].source_id
    shown = hmac_hex(strict.hmac_token, "ivy")
    carols = hmac_hex(strict.hmac_token, "carol")
    site, foreign = acme.inbox.identifier, rival.inbox.identifier
    closed = await inboxes.create(cast.engine, operator(acme.tenant.id), NewInbox(name="Closed"))
    await inboxes.remove(cast.engine, operator(acme.tenant.id), closed.id)
    theirs = rival.places["carol"].source_id
    return [
        _guest("carol", "carol", site, carol),
        _guest("rival's carol", "carol", foreign, theirs, company="rival"),
        _guest("ivy with her hash", "ivy", strict.identifier, ivy, shown, IVY),
        _guest("ivy without a hash", "unproved", strict.identifier, ivy),
        _guest("ivy with a wrong hash", "unproved", strict.identifier, ivy, "0" * 64),
        _guest("ivy with another's hash", "unproved", strict.identifier, ivy, carols),
        _guest("ivy with a capital hash", "unproved", strict.identifier, ivy, shown.upper()),
        _guest("carol with a hash of nothing", "unproved", site, carol, shown),
        _guest("an unknown contact", "lost-contact", site, new_id()),
        _guest("ivy in carol's inbox", "lost-contact", site, ivy),
        _guest("the rival's carol here", "lost-contact", site, theirs),
        _guest("carol by her id", "lost-contact", site, acme.id("carol")),
        _guest("carol in an unknown inbox", "lost-inbox", random_token(24), carol),
        _guest("carol in a closed inbox", "lost-inbox", closed.identifier, carol),
        _guest("carol by the inbox's id", "lost-inbox", acme.inbox.id, carol),
        _guest("nonsense", "lost-inbox", "%E2%98%83", "..%2f.."),
    ]


def _guest(
    name: str,
    who: str,
    inbox: str,
    contact: str,
    shown: str = "",
    nouns: dict[str, str] | None = None,
    company: str = "acme",
) -> Caller:
    headers = {"X-Identifier-Hash": shown} if shown else {}
    path = {"inbox": inbox, "contact": contact}
    return Caller(name, "contact", who, headers, company, path=path, nouns=nouns or {})


async def _count_on(tx: Tx) -> None:
    await counters.next_number(tx, "conversation")
    assert await tx.run(_COUNT_ON) == 1


async def _strict(cast: Cast, of: Company) -> Inbox:
    """An inbox that asks for a hash, with Ivy in it."""
    boss = operator(of.tenant.id)
    inbox = await inboxes.create(cast.engine, boss, NewInbox(name="Strict", identity_required=True))
    new = NewIdentity(kind="contact", name="Ivy", identifier=f"ivy-{new_id()}")
    if of is cast.acme and "ivy" not in of.people:
        new = NewIdentity(kind="contact", name="Ivy", identifier="ivy")
    ivy = await directory.create(cast.engine, boss, new)
    # Her hash was shown before: that a first one is remembered is a change, whatever is asked.
    place = ContactInbox(
        inbox.id, ivy.id, new_id(), random_token(), True, 1, ivy.identifier, "joined"
    )
    await cast.engine.db.write(of.tenant.id, rows.insert_contact_inbox, place)
    of.people["ivy"], of.places["ivy"] = ivy, place
    return inbox
