"""Users and contacts, created and changed by their tenant. What contacts' own clients may do is in
`engine/contacts`."""

from contextlib import nullcontext

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from koine.engine.auth import access
from koine.engine.auth.access import effective_permissions, require_rank
from koine.engine.core import attributes
from koine.engine.core.engine import Engine
from koine.engine.core.operations import long_read_tx, read_tx, write_tx
from koine.engine.core.recorder import record_audit, record_event
from koine.engine.people.identifier_claims import given_by_tenant, release_identifier, take_verified
from koine.kit.ids import new_id
from koine.kit.structs import provided_fields
from koine.kit.tokens import random_token
from koine.model.actor import Actor
from koine.model.errors import Conflict, Invalid, NotFound
from koine.model.filters import PeopleFilter
from koine.model.identity import Identity, IdentityKind, NewIdentity
from koine.model.inbox import ContactInbox
from koine.model.links import check_link
from koine.model.page import Page, Window
from koine.model.permissions import (
    MANAGE_TENANT,
    PERMISSIONS,
    READ_CONVERSATIONS,
    READ_CUSTOMERS,
    ROLE_PERMISSIONS,
    VIEW_TENANT,
    WRITE_CUSTOMERS,
)
from koine.store import number_sequences
from koine.store.auth import credentials
from koine.store.contacts import inboxes
from koine.store.core.db import Duplicate, Tx
from koine.store.people import identities

PUBSUB_TOKEN_BYTES = 24
_RANK_FIELDS = ("role", "permissions", "blocked", "email")
"""Fields of a user that an actor with fewer permissions must not change (`require_rank`)."""


class PersonChanges(Struct, frozen=True, kw_only=True):
    """What to change of a user or contact; UNSET leaves a field as it is. Attributes are JSON
    text."""

    name: str | None | UnsetType = UNSET
    first_name: str | None | UnsetType = UNSET
    last_name: str | None | UnsetType = UNSET
    email: str | None | UnsetType = UNSET
    phone: str | None | UnsetType = UNSET
    identifier: str | None | UnsetType = UNSET
    avatar_url: str | None | UnsetType = UNSET
    role: str | None | UnsetType = UNSET
    permissions: str | UnsetType = UNSET
    email_verified: bool | UnsetType = UNSET
    phone_verified: bool | UnsetType = UNSET
    identifier_verified: bool | UnsetType = UNSET
    blocked: bool | UnsetType = UNSET
    company: str | None | UnsetType = UNSET
    job_title: str | None | UnsetType = UNSET
    location: str | None | UnsetType = UNSET
    country_code: str | None | UnsetType = UNSET
    custom_attributes: str | UnsetType = UNSET
    additional_attributes: str | UnsetType = UNSET


async def create(engine: Engine, actor: Actor, new: NewIdentity) -> Identity:
    """Add a user or a contact. Raises Forbidden (also for a user who may do more than the actor),
    Invalid, Conflict("exists") for a contact whose identifier is taken."""
    try:
        return await _create(engine, actor, new)
    except Duplicate:
        raise _refuse_duplicates() from None


async def create_at(
    engine: Engine, actor: Actor, new: NewIdentity, inbox_id: str
) -> tuple[Identity, ContactInbox]:
    """Add a contact with a contact inbox. Raises as `create`, and Invalid("inbox_id")."""
    try:
        return await _create_at(engine, actor, new, inbox_id)
    except Duplicate:
        raise _refuse_duplicates() from None


async def create_tx(tx: Tx, now: int, actor: Actor, new: NewIdentity) -> Identity:
    """As `create`; a Duplicate is left to the caller."""
    access.require(actor, MANAGE_TENANT if new.kind == "user" else WRITE_CUSTOMERS)
    _check(new.kind, new.role, new.permissions)
    if new.kind == "contact" and new.identifier is not None:
        await release_identifier(tx, now, None, new.identifier)
    if new.kind == "user":
        access.require_all(actor, effective_permissions(new.role, new.permissions))
        access.require_private_notes(actor, new.role)
    person = await insert_tx(tx, now, new)
    if new.kind == "contact":
        await take_verified(tx, now, None, person)
    if new.kind == "user":
        await record_audit(tx, now, actor, "create", "user", person.id, role=new.role)
    return person


async def insert_tx(tx: Tx, now: int, new: NewIdentity) -> Identity:
    """Insert an identity; every new one is inserted here. The caller has checked access."""
    _check_given(new)
    values = structs.asdict(new)
    values["email"] = new.email.strip().lower() if new.email else None
    identity = Identity(
        id=new_id(),
        number=await number_sequences.next_number(tx, "identity"),
        last_activity_at=None,
        created_at=now,
        updated_at=now,
        removed_at=None,
        **values,
    )
    await identities.insert_one(tx, identity)
    await record_event(tx, now, "identity.created", identity.id, what=identity.kind)
    return identity


@read_tx
async def get(tx: Tx, actor: Actor, identity_id: str, kind: IdentityKind) -> Identity:
    """One user or contact. Raises Forbidden, NotFound(kind)."""
    if identity_id != actor.identity_id:
        access.require(actor, VIEW_TENANT, READ_CUSTOMERS, READ_CONVERSATIONS)
    return await _existing(tx, identity_id, kind)


@long_read_tx
async def find_page(
    tx: Tx, actor: Actor, f: PeopleFilter, window: Window, with_total: bool = False
) -> Page[Identity]:
    """A page of identities, oldest first. Raises Forbidden."""
    access.require(actor, VIEW_TENANT, READ_CUSTOMERS, READ_CONVERSATIONS)
    page = await identities.find_page(tx, f, window)
    return structs.replace(page, total=await identities.count(tx, f)) if with_total else page


async def change(
    engine: Engine, actor: Actor, identity_id: str, kind: IdentityKind, changes: PersonChanges
) -> Identity:
    """Change a user or contact; a user logs in by the new e-mail. Raises Forbidden, NotFound(kind),
    Invalid, Conflict("exists") for an identifier or a login's e-mail that is taken."""
    try:
        with engine.changing_rights() if kind == "user" else nullcontext():
            return await _change(engine, actor, identity_id, kind, changes)
    except Duplicate:
        raise _refuse_duplicates() from None


async def change_tx(
    tx: Tx, now: int, actor: Actor, identity_id: str, kind: IdentityKind, changes: PersonChanges
) -> Identity:
    """As `change`; a Duplicate is left to the caller."""
    access.require(actor, MANAGE_TENANT if kind == "user" else WRITE_CUSTOMERS)
    _check_given(changes)
    before = await _locked(tx, identity_id, kind)
    values = provided_fields(changes)
    if values.get("email"):
        values["email"] = values["email"].strip().lower()
    values |= given_by_tenant(before, values)
    after = structs.replace(before, **values, updated_at=now)
    _check(kind, after.role, after.permissions)
    if kind == "contact":
        await take_verified(tx, now, before, after)
    if kind == "user":
        await _check_rank_and_login(tx, actor, before, after)
        if after.blocked and not before.blocked:
            await credentials.revoke_sessions_of(tx, after.id, now)
    await identities.change(tx, after)
    await record_event(tx, now, "identity.updated", after.id, what=kind)
    if named := {*_RANK_FIELDS[: None if kind == "user" else -1]} & values.keys():
        detail: dict[str, object] = {"role": after.role, "blocked": after.blocked}
        detail |= {"fields": sorted(named)} if named - detail.keys() else {}
        await record_audit(tx, now, actor, "change", kind, after.id, **detail)
    return after


async def remove_tx(
    tx: Tx, now: int, actor: Actor, identity_id: str, kind: IdentityKind
) -> Identity:
    """The part of `offboarding.remove` that concerns the person alone; returns them as removed."""
    access.require(actor, MANAGE_TENANT if kind == "user" else WRITE_CUSTOMERS)
    before = await _locked(tx, identity_id, kind)
    if before.id == actor.identity_id:
        raise Conflict("self", "you cannot remove yourself")
    if kind == "user":
        require_rank(actor, before)
        await credentials.revoke_keys_of(tx, before.id, now)
    gone = structs.replace(before, identifier=None, removed_at=now, updated_at=now)
    await identities.change(tx, gone)
    await credentials.delete_login(tx, before.id)
    await credentials.revoke_sessions_of(tx, before.id, now)
    await record_audit(tx, now, actor, "remove", kind, before.id, identifier=before.identifier)
    await record_event(tx, now, "identity.removed", before.id, what=kind)
    return gone


@write_tx
async def _create(tx: Tx, now: int, actor: Actor, new: NewIdentity) -> Identity:
    return await create_tx(tx, now, actor, new)


@write_tx
async def _create_at(
    tx: Tx, now: int, actor: Actor, new: NewIdentity, inbox_id: str
) -> tuple[Identity, ContactInbox]:
    access.require(actor, WRITE_CUSTOMERS)
    inbox = await inboxes.get(tx, inbox_id)
    if inbox is None or inbox.removed_at is not None:
        raise Invalid("inbox_id", "unknown", "no such inbox")
    contact = await create_tx(tx, now, actor, new)
    contact_inbox = ContactInbox(
        inbox.id, contact.id, new_id(), random_token(PUBSUB_TOKEN_BYTES),
        proof_required=False, proved_identifier=None, origin="tenant", given="{}", created_at=now,
    )  # fmt: skip
    await inboxes.insert_contact_inbox(tx, contact_inbox)
    return contact, contact_inbox


@write_tx
async def _change(
    tx: Tx, now: int, actor: Actor, identity_id: str, kind: IdentityKind, changes: PersonChanges
) -> Identity:
    return await change_tx(tx, now, actor, identity_id, kind, changes)


async def _check_rank_and_login(tx: Tx, actor: Actor, before: Identity, after: Identity) -> None:
    """Raise Forbidden where the actor grants more than it holds, or changes the rank of a user that
    may do more. The row before the change decides, so that a user cannot be demoted first and
    changed then. The login follows the user's e-mail."""
    had = effective_permissions(before.role, before.permissions)
    access.require_all(actor, effective_permissions(after.role, after.permissions) - had)
    if after.role != before.role:
        access.require_private_notes(actor, after.role)
    if any(getattr(after, name) != getattr(before, name) for name in _RANK_FIELDS):
        require_rank(actor, before)
    if after.email == before.email:
        return
    if after.email:
        await credentials.change_login(tx, after.id, after.email)
    else:
        await credentials.delete_login(tx, after.id)
        await credentials.revoke_sessions_of(tx, after.id, after.updated_at)


def _refuse_duplicates() -> Conflict:
    return Conflict("exists", "another one has this identifier or e-mail")


async def _existing(tx: Tx, identity_id: str, kind: IdentityKind) -> Identity:
    return _present(await identities.get(tx, identity_id), kind)


async def _locked(tx: Tx, identity_id: str, kind: IdentityKind) -> Identity:
    """As `_existing`, locked: a concurrent change would be overwritten by this one."""
    return _present((await identities.lock(tx, [identity_id])).get(identity_id), kind)


def _present(found: Identity | None, kind: IdentityKind) -> Identity:
    if found is None or found.kind != kind or found.removed_at is not None:
        raise NotFound(kind)
    return found


def _check_given(given: NewIdentity | PersonChanges) -> None:
    for name in ("custom_attributes", "additional_attributes"):
        text = getattr(given, name)
        attributes.check(name, None if text is UNSET else text)
    if given.avatar_url is not UNSET:
        check_link("avatar_url", given.avatar_url)


def _check(kind: IdentityKind, role: str | None, permissions: str) -> None:
    if kind == "user" and role not in ROLE_PERMISSIONS:
        roles = ", ".join(sorted(filter(None, ROLE_PERMISSIONS)))
        raise Invalid("role", "unknown", f"role must be one of {roles}")
    unknown = set(msgspec.json.decode(permissions, type=list[str])) - PERMISSIONS
    if unknown:
        raise Invalid(
            "permissions", "unknown", f"unknown permissions: {', '.join(sorted(unknown))}"
        )
