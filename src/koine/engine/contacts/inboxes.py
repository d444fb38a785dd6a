"""Inboxes: where contacts write to a tenant."""

from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from koine.engine.auth import access
from koine.engine.contacts import hmac_tokens
from koine.engine.core import attributes
from koine.engine.core.encryption import SealingKeys
from koine.engine.core.engine import Engine
from koine.engine.core.operations import read_tx, write_tx
from koine.engine.core.recorder import record_audit, record_event
from koine.kit.ids import new_id
from koine.kit.structs import provided_fields
from koine.kit.tokens import random_token
from koine.model.actor import Actor
from koine.model.errors import Invalid, NotFound
from koine.model.identity import RESPONDER_KINDS
from koine.model.inbox import ChannelType, Inbox, InboxSettings, WorkingDay
from koine.model.links import check_link
from koine.model.permissions import MANAGE_TENANT, READ_CONVERSATIONS, VIEW_TENANT
from koine.store import number_sequences
from koine.store.contacts import inboxes
from koine.store.core.db import Tx
from koine.store.people import identities

IDENTIFIER_BYTES = 24
"""192 random bits: more than the 128 a public identifier must have."""


class NewInbox(Struct, frozen=True, kw_only=True):
    """The fields of a new inbox. `settings` is JSON text (`model.inbox.InboxSettings`)."""

    name: str
    channel_type: ChannelType = "api"
    responder_id: str | None = None
    identity_required: bool = False
    single_conversation: bool = False
    settings: str = "{}"


class InboxChanges(Struct, frozen=True, kw_only=True):
    """What to change of an inbox; UNSET leaves a field as it is."""

    name: str | UnsetType = UNSET
    responder_id: str | None | UnsetType = UNSET
    identity_required: bool | UnsetType = UNSET
    single_conversation: bool | UnsetType = UNSET
    settings: str | UnsetType = UNSET


async def create(engine: Engine, actor: Actor, new: NewInbox) -> Inbox:
    """Open an inbox. Raises Forbidden, Invalid("responder_id")."""
    return await _create(engine, actor, engine.encryption, new)


async def create_tx(tx: Tx, now: int, actor: Actor, keys: SealingKeys, new: NewInbox) -> Inbox:
    """As `create`. `keys` encrypt its HMAC token."""
    access.require(actor, MANAGE_TENANT)
    await _check_responder(tx, new.responder_id)
    _check_settings(new.settings)
    inbox = Inbox(
        id=new_id(),
        number=await number_sequences.next_number(tx, "inbox"),
        identifier=random_token(IDENTIFIER_BYTES),
        created_at=now,
        updated_at=now,
        removed_at=None,
        **hmac_tokens.sealed_columns(keys, random_token(hmac_tokens.TOKEN_BYTES)),
        **structs.asdict(new),
    )
    await inboxes.insert_one(tx, inbox)
    await record_audit(tx, now, actor, "create", "inbox", inbox.id, name=inbox.name)
    await record_event(tx, now, "inbox.created", inbox.id)
    return inbox


@read_tx
async def get(tx: Tx, actor: Actor, inbox_id: str) -> Inbox:
    """One inbox. Raises Forbidden, NotFound."""
    access.require(actor, READ_CONVERSATIONS, VIEW_TENANT)
    return _present(await inboxes.get(tx, inbox_id))


@read_tx
async def list_all(tx: Tx, actor: Actor) -> list[Inbox]:
    """Every inbox of the tenant, in the order they were made. Raises Forbidden."""
    access.require(actor, READ_CONVERSATIONS, VIEW_TENANT)
    return await inboxes.list_all(tx)


@write_tx
async def change(tx: Tx, now: int, actor: Actor, inbox_id: str, changes: InboxChanges) -> Inbox:
    """Change an inbox. Raises Forbidden, NotFound, Invalid("responder_id")."""
    access.require(actor, MANAGE_TENANT)
    before = _present(await inboxes.lock(tx, inbox_id))
    values = provided_fields(changes)
    if values.get("responder_id") != before.responder_id:
        await _check_responder(tx, values.get("responder_id"))
    _check_settings(values.get("settings", "{}"))
    after = structs.replace(before, **values, updated_at=now)
    await inboxes.change(tx, after)
    await record_audit(tx, now, actor, "change", "inbox", after.id, fields=sorted(values))
    await record_event(tx, now, "inbox.updated", after.id)
    return after


@write_tx
async def remove(tx: Tx, now: int, actor: Actor, inbox_id: str) -> None:
    """Remove an inbox: its conversations stay, its public identifier is not found any more."""
    access.require(actor, MANAGE_TENANT)
    before = _present(await inboxes.lock(tx, inbox_id))
    await inboxes.change(tx, structs.replace(before, removed_at=now, updated_at=now))
    await record_audit(tx, now, actor, "remove", "inbox", before.id)
    await record_event(tx, now, "inbox.updated", before.id)


_create = write_tx(create_tx)


def inbox_settings(inbox: Inbox) -> InboxSettings:
    """What the inbox's settings hold."""
    return msgspec.json.decode(inbox.settings, type=InboxSettings)


def _present(found: Inbox | None) -> Inbox:
    if found is None or found.removed_at is not None:
        raise NotFound("inbox")
    return found


async def _check_responder(tx: Tx, responder_id: str | None) -> None:
    if responder_id is None:
        return
    found = await identities.get(tx, responder_id)
    if found is None or found.kind not in RESPONDER_KINDS or found.removed_at is not None:
        raise Invalid("responder_id", "unknown", "no such responder")


def _check_settings(text: str) -> None:
    """Raise Invalid for settings that the code which reads them could not use."""
    attributes.check("settings", text, attributes.SETTINGS)
    try:
        settings = msgspec.json.decode(text, type=InboxSettings)
        ZoneInfo(settings.timezone)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        field = f"settings.{_dotted(where)}" if where else "settings"
        raise Invalid(field, "wrong", f"{field}: {what}") from None
    except (ValueError, OSError, KeyError):
        raise Invalid("settings.timezone", "unknown", "no such time zone") from None
    check_link("settings.avatar_url", settings.avatar_url or None)
    days = [each.day_of_week for each in settings.working_hours]
    if len(set(days)) < len(days) or not all(map(_is_possible, settings.working_hours)):
        raise Invalid("settings.working_hours", "impossible", "no such days or hours")


def _dotted(path: str) -> str:
    """The path of a field in an error of msgspec, in the notation of our errors."""
    return path.rstrip("`").replace("[...]", "").replace("[", ".").replace("]", "")


def _is_possible(day: WorkingDay) -> bool:
    hours = [each for each in (day.open_hour, day.close_hour) if each is not None]
    minutes = [each for each in (day.open_minutes, day.close_minutes) if each is not None]
    if not (day.closed_all_day or day.open_all_day) and len(hours + minutes) < 4:
        return False
    return day.day_of_week in range(7) and all(
        [*(each in range(24) for each in hours), *(each in range(60) for each in minutes)]
    )
