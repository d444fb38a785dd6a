"""Open the one conversation of a delivery, or one without: delivery.md's rules (S, 1 to 10)."""

from msgspec import Struct, structs

from koine.engine.auth import access
from koine.engine.conversations import conversations, participants
from koine.engine.core.engine import Engine
from koine.engine.core.operations import write_tx
from koine.engine.people import references
from koine.model.actor import Actor
from koine.model.conversation import Conversation, NewConversation, ParticipantRole
from koine.model.delivery import Delivery
from koine.model.display_name import display_name
from koine.model.errors import Forbidden, Invalid, NotFound
from koine.model.permissions import MANAGE_MESSAGING
from koine.store import deliveries
from koine.store.conversations import conversations as rows
from koine.store.core.db import Duplicate, Tx
from koine.store.people import identities

Joining = tuple[tuple[str, ParticipantRole], ...]


class NewDeliveryConversation(Struct, frozen=True, kw_only=True):
    """The fields of a new conversation; without `delivery_id` it is about none. `metadata` is
    JSON."""

    delivery_id: str | None = None
    joining: Joining = ()
    title: str | None = None
    metadata: str | None = None


async def open_(
    engine: Engine, actor: Actor, opening: NewDeliveryConversation
) -> tuple[Conversation, bool]:
    """Open the delivery's conversation, or join the existing one; True if it is new.

    However many callers on however many nodes do so, one opens it (rule 1): the others violate the
    unique index, and join on their second try. Raises Invalid, Forbidden, NotFound("delivery").
    """
    try:
        return await _open(engine, actor, opening)
    except Duplicate:
        return await _open(engine, actor, opening)


@write_tx
async def _open(
    tx: Tx, now: int, actor: Actor, opening: NewDeliveryConversation
) -> tuple[Conversation, bool]:
    if opening.delivery_id is None:
        return await _open_without_delivery(tx, now, actor, opening), True
    delivery = await _delivery(tx, actor, opening.delivery_id)
    await references.check_participants(tx, [i for i, _ in opening.joining])
    wanted = _participants(actor, delivery, opening.joining)
    known = await rows.lock_of_delivery(tx, delivery.id)
    if known is not None:
        return await _join_all(tx, now, known, wanted), False
    new = NewConversation(
        kind="order",
        title=opening.title or await title_tx(tx, delivery),
        delivery_id=delivery.id,
        owner_id=delivery.customer_id,
        participants=wanted,
        metadata=opening.metadata,
    )
    return await conversations.create_tx(tx, now, actor, new), True


async def _open_without_delivery(
    tx: Tx, now: int, actor: Actor, opening: NewDeliveryConversation
) -> Conversation:
    """A conversation about no delivery (rules 2, 3 and 5)."""
    if not access.may_open_without_delivery(actor):
        if actor.role == "driver" or actor.role is None:
            raise Invalid("delivery_id", "missing", "delivery_id is required")
        raise Forbidden(MANAGE_MESSAGING)
    if not opening.joining:
        raise Invalid("participants", "missing", "participants are required")
    await references.check_participants(tx, [i for i, _ in opening.joining])
    new = NewConversation(
        kind="order",
        title=opening.title,
        participants=_with_creator(actor, opening.joining),
        metadata=opening.metadata,
    )
    return await conversations.create_tx(tx, now, actor, new)


async def _delivery(tx: Tx, actor: Actor, delivery_id: str) -> Delivery:
    """The delivery; drivers and customers may only know of their own (delivery.md, D)."""
    # Locked, so that the driver does not change before it is added as a participant.
    delivery = (await deliveries.lock_all(tx, [delivery_id])).get(delivery_id)
    if delivery is None:
        raise NotFound("delivery")
    own = actor.identity_id in (delivery.customer_id, delivery.driver_id)
    if not own and not access.may_open_without_delivery(actor):
        raise NotFound("delivery")
    return delivery


def _participants(actor: Actor, delivery: Delivery, joining: Joining) -> Joining:
    """Driver and customer, the participants that the request names, and the creator (rules 4, 6,
    7)."""
    wanted = dict(joining)
    for identity_id in (delivery.customer_id, delivery.driver_id):
        if identity_id is not None:
            wanted.setdefault(identity_id, "member")
    return _with_creator(actor, tuple(wanted.items()), named=dict(joining))


def _with_creator(
    actor: Actor, wanted: Joining, named: dict[str, ParticipantRole] | None = None
) -> Joining:
    """The creator is always a participant, as admin unless the request names it (rule 7)."""
    everyone = dict(wanted)
    listed = everyone if named is None else named
    if actor.identity_id is not None and actor.identity_id not in listed:
        everyone[actor.identity_id] = "admin"
    return tuple(everyone.items())


async def _join_all(tx: Tx, now: int, known: Conversation, wanted: Joining) -> Conversation:
    """Add new participants; existing ones keep their role, also the caller (rule 1)."""
    roles = dict(wanted)
    joined = 0
    for identity_id in sorted(await references.existing_ids(tx, roles)):
        joined += await participants.join_tx(tx, now, known, identity_id, roles[identity_id])
    return structs.replace(known, participant_count=known.participant_count + joined)


async def title_tx(tx: Tx, delivery: Delivery) -> str:
    """`#<external reference id> - <customer name>`; the code where there is no reference (rule
    9)."""
    customer = await identities.get(tx, delivery.customer_id)
    name = (display_name(customer) if customer else None) or ""
    return f"#{delivery.external_reference_id or delivery.delivery_code} - {name}"
