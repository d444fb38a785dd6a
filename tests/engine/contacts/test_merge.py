"""Staff merges two contacts; what each of their contact inboxes may see afterwards."""

from types import NoneType
from typing import get_args, get_type_hints

import pytest
from msgspec import structs

from koine.engine import audit_log
from koine.engine.contacts import callers, contacts, merge
from koine.engine.contacts.rules import ContactInput
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.model.errors import Conflict, Forbidden, Invalid, NotFound
from koine.model.identity import Identity
from koine.model.page import Window
from koine.store.people import identities
from tests.cast import Cast

NOT_FILLED = {
    "role": "only users have one",
    "removed_at": "the survivor stays",
    "merged_into": "the survivor is merged into nobody",
}
"""The nullable fields of an identity that a merge leaves as the survivor has them, and why."""


async def merge_contacts(cast: Cast, survivor: str, merged: str, who: str = "ada") -> Identity:
    acme = cast.acme
    actor = acme.actor(who)
    return await merge.merge(cast.engine, actor, acme.id(survivor), acme.id(merged))


async def name(cast: Cast, who: str, identifier: str) -> None:
    acme, changes = cast.acme, PersonChanges(identifier=identifier)
    await directory.change(cast.engine, acme.actor("ada"), acme.id(who), "contact", changes)


async def test_a_merge_needs_the_right_and_is_in_the_audit_log(cast: Cast) -> None:
    for who in ("carol", "dan", "cleo"):
        with pytest.raises(Forbidden):
            await merge_contacts(cast, "carol", "dave", who)
    await merge_contacts(cast, "carol", "dave")
    acme = cast.acme
    page = await audit_log.find_page(cast.engine, acme.actor("ada"), "contact", "merge", Window(10))
    assert [(e.actor_id, e.noun_id) for e in page.items] == [(acme.id("ada"), acme.id("carol"))]
    assert acme.id("dave") in page.items[0].detail


async def test_only_contacts_of_the_tenant_are_merged(cast: Cast) -> None:
    acme, rival = cast.acme, cast.rival
    for survivor, merged, error in (
        (acme.id("carol"), acme.id("carol"), Invalid),
        (acme.id("carol"), acme.id("alice"), Invalid),
        (acme.id("carol"), rival.id("dave"), Invalid),
        (rival.id("carol"), acme.id("dave"), NotFound),
        (acme.id("alice"), acme.id("dave"), NotFound),
    ):
        with pytest.raises(error):
            await merge.merge(cast.engine, acme.actor("ada"), survivor, merged)


async def test_contacts_with_different_identifiers_cannot_be_merged(cast: Cast) -> None:
    await name(cast, "carol", "carol-1")
    await name(cast, "dave", "dave-1")
    with pytest.raises(Conflict):
        await merge_contacts(cast, "carol", "dave")


async def test_the_survivor_gets_the_identifier_and_the_block_of_the_merged_contact(
    cast: Cast,
) -> None:
    acme = cast.acme
    await name(cast, "dave", "dave-1")
    blocked = PersonChanges(blocked=True)
    await directory.change(cast.engine, acme.actor("ada"), acme.id("dave"), "contact", blocked)
    after = await merge_contacts(cast, "carol", "dave")
    assert (after.identifier, after.blocked) == ("dave-1", True)
    at = await callers.resolve(
        cast.engine, acme.inbox.identifier, acme.contact_inboxes["dave"].source_id
    )
    shown = cast.identity_hash("dave-1")
    assert (await callers.verify_identity(cast.engine, at, shown)).rights.proven


async def test_an_unverified_contact_inbox_reads_only_its_own_values_after_a_merge(
    cast: Cast,
) -> None:
    acme = cast.acme
    visitor = await callers.resolve(cast.engine, acme.inbox.identifier, None)
    visitor = await contacts.create(cast.engine, visitor, ContactInput(name="Bea"))
    await merge.merge(
        cast.engine, acme.actor("ada"), acme.id("carol"), visitor.contact_at_inbox[1].id
    )
    again = await callers.resolve(
        cast.engine, acme.inbox.identifier, visitor.contact_at_inbox[0].source_id
    )
    assert again.contact_at_inbox[1].id == acme.id("carol")
    assert (again.public_contact.name, again.public_contact.email) == ("Bea", None)
    assert not (again.rights.reads or again.rights.changes or again.rights.proven)


async def test_a_merge_fills_each_field_that_the_survivor_lacks(cast: Cast) -> None:
    """A new nullable field of `Identity` is filled in `engine/contacts/merge.py`, or is in
    NOT_FILLED with the reason."""
    hints = get_type_hints(Identity)
    nullable = {name for name, type_ in hints.items() if NoneType in get_args(type_)}
    values: dict[str, object] = {
        name: 7 if int in get_args(hints[name]) else f"a {name}" for name in nullable
    }
    # Only a contact that is present is merged.
    values |= {"removed_at": None, "merged_into": None}
    carol, dave = cast.acme.people["carol"], cast.acme.people["dave"]
    for row in (
        structs.replace(carol, **dict.fromkeys(nullable)), structs.replace(dave, **values),
    ):  # fmt: skip
        await cast.engine.db.write(cast.acme.tenant.id, identities.change, row)
    after = await merge_contacts(cast, "carol", "dave")
    assert {name: getattr(after, name) for name in nullable} == values | dict.fromkeys(NOT_FILLED)
