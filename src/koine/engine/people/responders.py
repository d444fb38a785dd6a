"""Responders: AI agents and squads of them, each with numbered versions (chats.md, F)."""

from msgspec import UNSET, Struct, UnsetType, structs

from koine.engine.auth import access
from koine.engine.core import attributes
from koine.engine.core.operations import long_read_tx, read_tx, write_tx
from koine.engine.core.recorder import record_audit, record_event
from koine.engine.people import directory
from koine.kit.ids import new_id
from koine.kit.structs import provided_fields
from koine.model.actor import Actor
from koine.model.errors import Invalid, NotFound
from koine.model.filters import PeopleFilter
from koine.model.identity import (
    RESPONDER_KINDS,
    Identity,
    NewIdentity,
    ResponderKind,
    ResponderVersion,
)
from koine.model.links import check_link
from koine.model.page import Page, Window
from koine.model.permissions import MANAGE_TENANT, READ_CONVERSATIONS, VIEW_TENANT
from koine.store.core.db import Tx
from koine.store.people import identities

NAME_LIMIT = 50
"""Characters of a responder's name, at least 3 (chats.md, F)."""


class NewResponder(Struct, frozen=True, kw_only=True):
    """The fields of a new responder. `settings` is JSON text: prompt, model and the like."""

    kind: ResponderKind = "agent"
    name: str
    picture: str | None = None
    settings: str = "{}"


class ResponderChanges(Struct, frozen=True, kw_only=True):
    """What to change of a responder; UNSET leaves a field as it is. Settings change by a
    version."""

    name: str | UnsetType = UNSET
    avatar_url: str | None | UnsetType = UNSET


class ResponderWithVersions(Struct, frozen=True):
    """A responder and its versions, newest first."""

    identity: Identity
    versions: list[ResponderVersion]


@write_tx
async def create(tx: Tx, now: int, actor: Actor, new: NewResponder) -> ResponderWithVersions:
    """Create a responder with version 1. Raises Forbidden, Invalid("name")."""
    access.require(actor, MANAGE_TENANT)
    _check_name(new.name)
    attributes.check("settings", new.settings, attributes.SETTINGS)
    made = await directory.insert_tx(
        tx, now, NewIdentity(kind=new.kind, name=new.name, avatar_url=new.picture)
    )
    version = ResponderVersion(new_id(), made.id, 1, new.settings, now)
    await identities.add_version(tx, version)
    await record_audit(tx, now, actor, "create", made.kind, made.id, name=made.name)
    await record_event(tx, now, "responder.versioned", made.id, version=version.id, number=1)
    return ResponderWithVersions(made, [version])


@write_tx
async def add_version(
    tx: Tx, now: int, actor: Actor, responder_id: str, settings: str
) -> ResponderVersion:
    """Add the next version of a responder, for conversations opened from now on; `settings` is JSON
    text. Raises Forbidden, NotFound("responder")."""
    access.require(actor, MANAGE_TENANT)
    attributes.check("settings", settings, attributes.SETTINGS)
    found = await _locked(tx, responder_id)
    known = await identities.versions(tx, found.id)
    number = known[0].number + 1 if known else 1
    version = ResponderVersion(new_id(), found.id, number, settings, now)
    await identities.add_version(tx, version)
    await record_audit(tx, now, actor, "version", found.kind, found.id, number=number)
    await record_event(tx, now, "responder.versioned", found.id, version=version.id, number=number)
    return version


@read_tx
async def get(tx: Tx, actor: Actor, responder_id: str) -> ResponderWithVersions:
    """One responder with its versions. Raises Forbidden, NotFound("responder")."""
    access.require(actor, READ_CONVERSATIONS, VIEW_TENANT)
    found = await _existing(tx, responder_id)
    return ResponderWithVersions(found, await identities.versions(tx, found.id))


@long_read_tx
async def find_page(
    tx: Tx,
    actor: Actor,
    window: Window,
    kinds: tuple[ResponderKind, ...] = (),
    search: str | None = None,
) -> Page[Identity]:
    """A page of responders, oldest first; `search` is text in their names. Raises Forbidden."""
    access.require(actor, READ_CONVERSATIONS, VIEW_TENANT)
    wanted = PeopleFilter(kinds=kinds or tuple(sorted(RESPONDER_KINDS)), search=search)
    return await identities.find_page(tx, wanted, window)


@write_tx
async def change(
    tx: Tx, now: int, actor: Actor, responder_id: str, changes: ResponderChanges
) -> Identity:
    """Rename a responder or change its picture. Raises Forbidden, NotFound, Invalid("name")."""
    access.require(actor, MANAGE_TENANT)
    before = await _locked(tx, responder_id)
    values = provided_fields(changes)
    if "name" in values:
        _check_name(values["name"])
    check_link("avatar_url", values.get("avatar_url"))
    after = structs.replace(before, **values, updated_at=now)
    await identities.change(tx, after)
    await record_audit(tx, now, actor, "change", after.kind, after.id, fields=sorted(values))
    await record_event(tx, now, "identity.updated", after.id, what=after.kind)
    return after


async def _existing(tx: Tx, responder_id: str) -> Identity:
    return _present(await identities.get(tx, responder_id))


async def _locked(tx: Tx, responder_id: str) -> Identity:
    """As `_existing`, locked: a concurrent change or version has to wait."""
    return _present((await identities.lock(tx, [responder_id])).get(responder_id))


def _present(found: Identity | None) -> Identity:
    if found is None or found.kind not in RESPONDER_KINDS or found.removed_at is not None:
        raise NotFound("responder")
    return found


def _check_name(name: str) -> None:
    if not 3 <= len(name.strip()) <= NAME_LIMIT:
        raise Invalid("name", "length", f"name must have 3 to {NAME_LIMIT} characters")
