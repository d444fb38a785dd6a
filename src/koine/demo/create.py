"""Make the demonstration once, and keep its keys."""

from pathlib import Path

from msgspec import structs

from koine.demo import credentials, history, seed
from koine.demo.credentials import (
    Credentials,
    DemoFile,
    DemoTenant,
    ExampleConversations,
    Tokens,
    UnusedDelivery,
)
from koine.demo.seed import SeededTenant
from koine.engine import deliveries, tenants
from koine.engine.auth import api_keys, sessions
from koine.engine.conversations import conversations
from koine.engine.core.context import Engine
from koine.engine.people import directory
from koine.kit.clock import FakeClock
from koine.kit.times import DAY, SECOND
from koine.kit.tokens import random_token
from koine.model.actor import Actor, operator
from koine.model.conversation import NewConversation
from koine.model.delivery import Delivery
from koine.model.errors import Conflict, NotFound
from koine.model.identity import Identity
from koine.model.permissions import (
    PERMISSIONS,
    READ_CONVERSATIONS,
    READ_CUSTOMERS,
)

TOKEN_DAYS = 30
MIN_UNUSED_DELIVERIES = 3
"""Listed deliveries that have no conversation, at least."""
STORY_DAYS = history.DAYS + 1
RIVAL_SCALE = 12


async def demonstration(engine: Engine, base_url: str = "") -> DemoFile:
    """The demonstration of this database, made if it is not there; its keys are kept in the data
    folder, with `base_url` if it is served there now.

    What is printed is true now: deliveries that got a conversation are left out and new ones are
    made when few are left, conversations that were deleted have a successor. Raises Conflict when
    there is a demonstration whose file is gone, or another tenant of its name; OSError when the
    file cannot be written.
    """
    path = Path(engine.settings.data_dir) / credentials.FILE
    kept = credentials.read(path)
    if kept is None or not await _exists(engine, kept):
        kept = await _create(engine)
        credentials.write(path, kept)
    fresh = await _refresh(engine, kept)
    if base_url:
        fresh = structs.replace(fresh, base_url=base_url)
    if fresh != kept:
        credentials.write(path, fresh)
    return fresh


async def _exists(engine: Engine, kept: DemoFile) -> bool:
    known = {tenant.id for tenant in await tenants.everyone(engine)}
    return {kept.demo.doors.tenant_id, kept.rival.doors.tenant_id} <= known


async def _create(engine: Engine) -> DemoFile:
    taken = {tenant.slug for tenant in await tenants.everyone(engine)} & {"demo", "rival"}
    if taken:
        raise Conflict(
            "exists",
            f"there is a tenant {sorted(taken)[0]} already, but its {credentials.FILE} is gone or "
            "of another database: name the folder that has it, or start with an empty database",
        )
    now = engine.clock.now()
    demo = await _create_tenant(engine, "Demo", "demo", scale=1)
    rival = await _create_tenant(engine, "Rival", "rival", scale=RIVAL_SCALE)
    return DemoFile(now, demo, rival)


async def _create_tenant(engine: Engine, name: str, slug: str, scale: int) -> DemoTenant:
    clock = FakeClock(engine.clock.now() - STORY_DAYS * DAY)
    past = Engine(engine.db, clock, engine.settings, random_token(), engine.webhook_formats)
    world = await seed.seed(past, name, slug)
    talks = await history.write_history(past, clock, world, scale)
    made = await _credentials(engine, world)
    holders = {part: world.users[part].id for part in Tokens.__struct_fields__}
    return DemoTenant(made, talks, holders)


async def _credentials(engine: Engine, world: SeededTenant) -> Credentials:
    admin, agent = world.users["admin"], world.users["agent"]
    password = random_token(12)
    await sessions.set_password(engine, world.boss, admin.id, password)
    place, contact = world.guests[0].contact_at_inbox
    public = world.inboxes[-1]
    whatsapp = world.inboxes[3]
    return Credentials(
        tenant_id=world.tenant.id,
        delivery=credentials.DeliveryCredentials(
            tokens=_tokens(engine, world.tenant.id, world.users),
            deliveries=[_unused_delivery(each, world.users["customer"]) for each in world.silent],
        ),
        helpdesk=credentials.HelpdeskCredentials(
            api_key=await _key(engine, world, "Helpdesk", PERMISSIONS),
            read_only_key=await _key(
                engine, world, "Reports", frozenset({READ_CONVERSATIONS, READ_CUSTOMERS})
            ),
            inbox_id=world.inboxes[0].id,
            customer_id=contact.id,
            user_id=agent.id,
        ),
        chats=credentials.ChatsCredentials(
            api_key=await _key(engine, world, "Chats", PERMISSIONS),
            channel_id=whatsapp.id,
            owner_id=contact.id,
            responder_id=whatsapp.responder_id or "",
        ),
        inbox=credentials.InboxCredentials(public.identifier, place.source_id, public.hmac_token),
        native=credentials.NativeCredentials(admin.email or "", password),
    )


async def _key(engine: Engine, world: SeededTenant, name: str, permissions: frozenset[str]) -> str:
    user_id = world.users["agent"].id
    return (await api_keys.create(engine, world.boss, name, permissions, user_id=user_id)).text


def _tokens(engine: Engine, tenant_id: str, users: dict[str, Identity]) -> Tokens:
    seconds = TOKEN_DAYS * DAY // SECOND
    return Tokens(
        **{
            name: sessions.access_token(engine, tenant_id, users[name], seconds)
            for name in Tokens.__struct_fields__
        }
    )


def _unused_delivery(delivery: Delivery, customer: Identity) -> UnusedDelivery:
    return UnusedDelivery(delivery.id, delivery.external_reference_id or "", customer.name or "")


async def _refresh(engine: Engine, kept: DemoFile) -> DemoFile:
    """What is true now of the deliveries, and tokens that live for a while yet."""
    old = engine.clock.now() - kept.made_at > (TOKEN_DAYS - 1) * DAY
    made_at = engine.clock.now() if old else kept.made_at
    demo = await _refresh_tenant(engine, kept.demo, new_tokens=old)
    rival = await _refresh_tenant(engine, kept.rival, new_tokens=old)
    return structs.replace(kept, made_at=made_at, demo=demo, rival=rival)


async def _refresh_tenant(engine: Engine, company: DemoTenant, new_tokens: bool) -> DemoTenant:
    known = company.doors
    boss = operator(known.tenant_id)
    listed = {parcel.id: parcel for parcel in known.delivery.deliveries}
    silent = await deliveries.without_conversation(engine, boss, list(listed))
    parcels = [listed[delivery.id] for delivery in silent]
    if len(parcels) < MIN_UNUSED_DELIVERIES:
        customer = await directory.get(engine, boss, company.people["customer"], "user")
        driver_id = company.people["driver"]
        made = await seed.more_deliveries(
            engine, boss, driver_id, customer.id, MIN_UNUSED_DELIVERIES
        )
        parcels += [_unused_delivery(each, customer) for each in made]
    tokens = await _renew_tokens(engine, company) if new_tokens else known.delivery.tokens
    door = structs.replace(known.delivery, tokens=tokens, deliveries=parcels)
    talks = await _example_conversations(engine, boss, company)
    return structs.replace(company, doors=structs.replace(known, delivery=door), talks=talks)


async def _example_conversations(
    engine: Engine, boss: Actor, company: DemoTenant
) -> ExampleConversations:
    """The conversations that examples point at; those that examples delete have a successor."""
    helpdesk, chats, talks = company.doors.helpdesk, company.doors.chats, company.talks
    question = NewConversation(
        title="Where is my order?", inbox_id=helpdesk.inbox_id, owner_id=helpdesk.customer_id
    )
    chat = NewConversation(title="A question", inbox_id=chats.channel_id, owner_id=chats.owner_id)
    return structs.replace(
        talks,
        helpdesk=await _existing_or_successor(engine, boss, talks.helpdesk, question),
        chats=await _existing_or_successor(engine, boss, talks.chats, chat),
    )


async def _existing_or_successor(
    engine: Engine, boss: Actor, conversation_id: str, successor: NewConversation
) -> str:
    """The id of the conversation, or of its successor if it is gone."""
    try:
        await conversations.get(engine, boss, conversation_id)
    except NotFound:
        return (await conversations.create(engine, boss, successor)).id
    return conversation_id


async def _renew_tokens(engine: Engine, company: DemoTenant) -> Tokens:
    """New tokens for the same people."""
    tenant_id = company.doors.tenant_id
    users = {
        part: await directory.get(engine, operator(tenant_id), user_id, "user")
        for part, user_id in company.people.items()
    }
    return _tokens(engine, tenant_id, users)
