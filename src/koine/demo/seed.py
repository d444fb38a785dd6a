"""One tenant of the demonstration: its people, inboxes, responders and deliveries."""

from random import Random

from msgspec import Struct

from koine.demo.names import Name, names
from koine.engine import deliveries, tenants
from koine.engine.contacts import contacts, inboxes
from koine.engine.contacts.callers import ContactCaller
from koine.engine.contacts.inboxes import NewInbox
from koine.engine.contacts.rules import ContactInput
from koine.engine.core.engine import Engine
from koine.engine.deliveries import DeliveryInput
from koine.engine.people import directory, responders
from koine.engine.people.responders import NewResponder
from koine.kit.ids import new_id
from koine.model.actor import Actor, operator
from koine.model.delivery import Delivery
from koine.model.identity import Identity, NewIdentity
from koine.model.inbox import ChannelType, Inbox
from koine.model.tenant import Tenant

USERS: tuple[tuple[str, str | None], ...] = (
    ("admin", "tenant_admin"), ("dispatcher", "dispatcher"), ("agent", "agent"),
    ("second_agent", "agent"), ("driver", "driver"), ("second_driver", "driver"),
    ("third_driver", "driver"), ("customer", None), ("second_customer", None),
    ("third_customer", None), ("fourth_customer", None), ("outsider", None),
)  # fmt: skip
"""Names in the code, and roles; a user without a role is a customer."""
CONTACTS = 14
UNUSED_DELIVERIES = 10
"""Deliveries of the driver and the customer without a conversation."""
DISCUSSED_DELIVERIES = 24
INBOXES: tuple[tuple[str, ChannelType, str], ...] = (
    ("Support mail", "email", ""), ("Telephone", "phone", ""), ("Website", "widget", "Mia"),
    ("WhatsApp", "whatsapp", "Mia"), ("WhatsApp of the shop", "waha", "Sales squad"),
    ("Instagram", "instagram", "Mia"), ("Website widget", "api", ""),
)  # fmt: skip
"""Name, kind of channel and who answers; the last one is the public one."""


class SeededTenant(Struct):
    """A tenant with people, inboxes and deliveries. `contact_callers` are those of contacts in the
    public inbox, the first with printed credentials; `discussed_deliveries` are to get a
    conversation each."""

    tenant: Tenant
    operator: Actor
    users: dict[str, Identity]
    inboxes: list[Inbox]
    contact_callers: list[ContactCaller]
    unused_deliveries: list[Delivery]
    discussed_deliveries: list[Delivery]


async def seed(engine: Engine, name: str, slug: str) -> SeededTenant:
    """Create the tenant and all of it. Raises Conflict("exists")."""
    tenant = await tenants.create(engine, name, slug)
    operator_actor = operator(tenant.id)
    rng = Random(slug)
    everyone = names(rng, f"{slug}.example", len(USERS) + CONTACTS)
    users = {
        part: await _user(engine, operator_actor, each, role)
        for (part, role), each in zip(USERS, everyone, strict=False)
    }
    opened = await _inboxes(engine, operator_actor)
    contact_callers = [
        await _contact_caller(engine, tenant, opened[-1], each, number)
        for number, each in enumerate(everyone[len(USERS) :])
    ]
    unused = await _deliveries(engine, operator_actor, users, UNUSED_DELIVERIES, rng=None)
    discussed = await _deliveries(engine, operator_actor, users, DISCUSSED_DELIVERIES, rng)
    return SeededTenant(tenant, operator_actor, users, opened, contact_callers, unused, discussed)


async def more_deliveries(
    engine: Engine, operator_actor: Actor, driver_id: str, customer_id: str, count: int
) -> list[Delivery]:
    """New deliveries of these two, under references that were never given before."""
    codes = [new_id()[-8:].upper() for _ in range(count)]
    given = [
        DeliveryInput(
            external_reference_id=f"ORD-{code}", delivery_code=code, driver_id=driver_id,
            customer_id=customer_id, status="assigned",
        )
        for code in codes
    ]  # fmt: skip
    return [saved.delivery for saved in await deliveries.save(engine, operator_actor, given)]


async def _user(engine: Engine, operator_actor: Actor, name: Name, role: str | None) -> Identity:
    new = NewIdentity(
        kind="user", name=name.full, first_name=name.first, last_name=name.last,
        email=name.email, role=role,
    )  # fmt: skip
    return await directory.create(engine, operator_actor, new)


async def _inboxes(engine: Engine, operator_actor: Actor) -> list[Inbox]:
    mia = await responders.create(
        engine, operator_actor, NewResponder(name="Mia", settings=_prompt(1))
    )
    await responders.add_version(engine, operator_actor, mia.identity.id, _prompt(2))
    squad = await responders.create(
        engine, operator_actor, NewResponder(kind="squad", name="Sales squad")
    )
    answering = {"Mia": mia.identity.id, "Sales squad": squad.identity.id}
    return [
        await inboxes.create(
            engine,
            operator_actor,
            NewInbox(name=name, channel_type=kind, responder_id=answering.get(who)),
        )
        for name, kind, who in INBOXES
    ]


def _prompt(version: int) -> str:
    return f'{{"prompt": "You are Mia, the friendly assistant of the shop.", "draft": {version}}}'


async def _contact_caller(
    engine: Engine, tenant: Tenant, inbox: Inbox, name: Name, number: int
) -> ContactCaller:
    given = ContactInput(
        identifier=f"customer-{number + 1:03}", name=name.full, email=name.email,
        phone_number=f"+4930555{number:04}",
        custom_attributes={"plan": "plus" if number % 2 else "basic"},
    )  # fmt: skip
    return await contacts.create(engine, ContactCaller(tenant, inbox), given)


async def _deliveries(
    engine: Engine,
    operator_actor: Actor,
    users: dict[str, Identity],
    count: int,
    rng: Random | None,
) -> list[Delivery]:
    """The driver's and the customer's own; with `rng`, random other users'."""
    drivers = [users[part].id for part, role in USERS if role == "driver"]
    customers = [users[part].id for part, _ in USERS if part.endswith("customer")]
    first = 10_201 if rng is None else 10_101
    given = [
        DeliveryInput(
            external_reference_id=f"ORD-{first + number}", delivery_code=f"K{first + number}",
            driver_id=rng.choice(drivers) if rng else drivers[0],
            customer_id=rng.choice(customers) if rng else customers[0],
            status=rng.choice(["picked_up", "delivered"]) if rng else "assigned",
        )
        for number in range(count)
    ]  # fmt: skip
    return [saved.delivery for saved in await deliveries.save(engine, operator_actor, given)]
