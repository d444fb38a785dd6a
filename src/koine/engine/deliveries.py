"""Deliveries of goods, as far as conversations need them: saved one or many at a time, by id or by
external reference (delivery.md, Neighbours)."""

from msgspec import UNSET, Struct, UnsetType, structs

from koine.engine.auth import access
from koine.engine.conversations import participants
from koine.engine.core.engine import Engine
from koine.engine.core.operations import read_tx, write_tx
from koine.engine.core.recorder import record_change, record_event
from koine.engine.people import references
from koine.kit.ids import new_id
from koine.kit.structs import provided_fields
from koine.model.actor import Actor
from koine.model.conversation import Conversation
from koine.model.delivery import Delivery
from koine.model.errors import Conflict, Invalid, NotFound
from koine.model.page import Page, Window
from koine.model.permissions import MANAGE_OPERATIONS, MANAGE_TENANT
from koine.store import deliveries
from koine.store.conversations import conversations
from koine.store.core.db import Duplicate, Tx

MOST = 1000
"""Deliveries that one request may save."""


class DeliveryInput(Struct, frozen=True, kw_only=True):
    """A delivery to save; UNSET fields stay as they are, or get the default in a new one.

    It is the delivery with this `id`, else the one with this `external_reference_id`, else a new
    one (with this id, if given). Ids are canonical. A new delivery needs a customer."""

    id: str | None = None
    external_reference_id: str | None | UnsetType = UNSET
    delivery_code: str | UnsetType = UNSET
    customer_id: str | UnsetType = UNSET
    driver_id: str | None | UnsetType = UNSET
    status: str | UnsetType = UNSET


class Saved(Struct, frozen=True):
    """A delivery after it was saved, and whether it is new."""

    delivery: Delivery
    is_new: bool


async def save(engine: Engine, actor: Actor, given: list[DeliveryInput]) -> list[Saved]:
    """Save all of them or none, in order.

    A newly assigned driver joins the delivery's conversation, and the former one leaves it (D); so
    do customers. Raises Forbidden, Invalid("deliveries.<n>.<field>", …), Conflict("exists") when a
    reference belongs to another delivery.
    """
    try:
        return await _save(engine, actor, given)
    except Duplicate:
        # A concurrent request saved the same reference: this time it is found.
        return await _save(engine, actor, given)


@write_tx
async def _save(tx: Tx, now: int, actor: Actor, given: list[DeliveryInput]) -> list[Saved]:
    access.require(actor, MANAGE_OPERATIONS, MANAGE_TENANT)
    _check_shape(given)
    known = await _known(tx, given)
    saved = [_saved(n, each, known[n], now) for n, each in enumerate(given)]
    await references.check_users(tx, _named(given, known))
    await deliveries.insert_many(tx, [each.delivery for each in saved if each.is_new])
    for each, before in zip(saved, known, strict=True):
        if before is not None and before != each.delivery:
            await deliveries.change(tx, each.delivery)
            await _follow(tx, now, before, each.delivery)
        if before != each.delivery:
            were = [before.customer_id, before.driver_id] if before else []
            await record_event(tx, now, "delivery.saved", each.delivery.id, members=were)
    return saved


@read_tx
async def get(tx: Tx, actor: Actor, delivery_id: str) -> Delivery:
    """A delivery, for managers of deliveries and its own customer and driver. Raises NotFound."""
    found = await deliveries.get(tx, delivery_id)
    manages = actor.may(MANAGE_OPERATIONS, MANAGE_TENANT)
    own = found is not None and actor.identity_id in (found.customer_id, found.driver_id)
    if found is None or not (manages or own):
        raise NotFound("delivery")
    return found


@read_tx
async def find_page(tx: Tx, actor: Actor, window: Window) -> Page[Delivery]:
    """One page of all deliveries, oldest first, without total. Raises Forbidden."""
    access.require(actor, MANAGE_OPERATIONS, MANAGE_TENANT)
    return await deliveries.find_page(tx, window)


@read_tx
async def without_conversation(tx: Tx, actor: Actor, ids: list[str]) -> list[Delivery]:
    """Those of these deliveries that have no conversation yet, oldest first. Raises Forbidden."""
    access.require(actor, MANAGE_OPERATIONS, MANAGE_TENANT)
    return await deliveries.without_conversation(tx, ids)


def _check_shape(given: list[DeliveryInput]) -> None:
    if len(given) > MOST:
        raise Invalid("deliveries", "too_many", f"at most {MOST} deliveries at once")
    seen: set[tuple[str, str]] = set()
    for number, each in enumerate(given):
        for field in ("id", "external_reference_id"):
            value = getattr(each, field)
            if value is None or value is UNSET:
                continue
            if (field, value) in seen:
                raise Invalid(f"deliveries.{number}.{field}", "repeated")
            seen.add((field, value))


async def _known(tx: Tx, given: list[DeliveryInput]) -> list[Delivery | None]:
    """The existing delivery of each input, locked; None for a new one."""
    references = [
        str(r) for each in given if (r := each.external_reference_id) not in (None, UNSET)
    ]
    by_reference = {
        reference: found.id
        for reference, found in (await deliveries.get_by_references(tx, references)).items()
    }
    ids = [_id_of(each, by_reference) for each in given]
    locked = await deliveries.lock_all(tx, sorted({each for each in ids if each is not None}))
    named = [each for each in ids if each in locked]
    if len(set(named)) < len(named):
        raise Invalid("deliveries", "repeated", "a delivery is named twice, by id and by reference")
    for each in given:
        taken = by_reference.get(str(each.external_reference_id))
        if each.id is not None and taken not in (None, each.id):
            raise Conflict("exists", "external_reference_id belongs to another delivery")
    return [locked.get(each) if each is not None else None for each in ids]


def _id_of(given: DeliveryInput, by_reference: dict[str, str]) -> str | None:
    return given.id or by_reference.get(str(given.external_reference_id))


def _saved(number: int, given: DeliveryInput, before: Delivery | None, now: int) -> Saved:
    values = provided_fields(given)
    values.pop("id", None)
    if before is None:
        return Saved(_new(number, given, values, now), True)
    if all(getattr(before, name) == value for name, value in values.items()):
        return Saved(before, False)
    return Saved(structs.replace(before, **values, updated_at=now), False)


def _new(number: int, given: DeliveryInput, values: dict[str, object], now: int) -> Delivery:
    if given.customer_id is UNSET:
        raise Invalid(f"deliveries.{number}.customer_id", "is required")
    delivery_id = given.id or new_id()
    blank = Delivery(
        id=delivery_id,
        external_reference_id=None,
        delivery_code=delivery_id[-8:].upper(),
        customer_id=given.customer_id,
        driver_id=None,
        status="pending",
        created_at=now,
        updated_at=now,
    )
    return structs.replace(blank, **values)


def _named(given: list[DeliveryInput], known: list[Delivery | None]) -> list[tuple[str, str]]:
    """The customers and drivers that the input sets anew, each with its field."""
    return [
        (f"deliveries.{number}.{field}", value)
        for number, (each, before) in enumerate(zip(given, known, strict=True))
        for field in ("customer_id", "driver_id")
        if isinstance(value := getattr(each, field), str)
        and (before is None or value != getattr(before, field))
    ]


async def _follow(tx: Tx, now: int, before: Delivery, after: Delivery) -> None:
    """Change the participants and the owner of the delivery's conversation, if it has one, with the
    customer and the driver of the delivery."""
    were = {before.customer_id, before.driver_id}
    are = {after.customer_id, after.driver_id}
    if were == are:
        return
    conversation = await conversations.lock_of_delivery(tx, after.id)
    if conversation is None:
        return
    if conversation.owner_id == before.customer_id != after.customer_id:
        conversation = await _move_to_customer(tx, now, conversation, after.customer_id)
    for person in sorted(i for i in were ^ are if i is not None):
        if person in were:
            await participants.leave_tx(tx, now, conversation, person)
        else:
            await participants.join_tx(tx, now, conversation, person, "member")


async def _move_to_customer(
    tx: Tx, now: int, before: Conversation, customer_id: str
) -> Conversation:
    after = structs.replace(before, owner_id=customer_id, updated_at=max(now, before.updated_at))
    await conversations.change(tx, before, after)
    await record_change(tx, now, before, after)
    return after
