"""Create the demonstration once, and keep its credentials up to date."""

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
from koine.engine.contacts.hmac_tokens import newest_token
from koine.engine.conversations import conversations
from koine.engine.core.engine import Engine
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
"""At least so many listed deliveries have no conversation."""
STORY_DAYS = history.DAYS + 1
RIVAL_SCALE = 12


async def demonstration(engine: Engine, base_url: str = "") -> DemoFile:
    """The demonstration of this database, created if there is none. Its credentials are stored in
    the data folder, with `base_url` if it is served there now.

    It is refreshed each time: deliveries that have a conversation by now are left out, and new ones
    are created when few are left; deleted conversations are replaced. Raises Conflict when there is
    a demonstration whose file is gone, or another tenant of its name; OSError when the file cannot
    be written.
    """
    path = Path(engine.settings.data_dir) / credentials.FILE
    demo_file = credentials.read(path)
    if demo_file is None or not await exists(engine, demo_file):
        demo_file = await _create(engine)
        credentials.write(path, demo_file)
    fresh = await _refresh(engine, demo_file)
    if base_url:
        fresh = structs.replace(fresh, base_url=base_url)
    if fresh != demo_file:
        credentials.write(path, fresh)
    return fresh


async def exists(engine: Engine, demo_file: DemoFile) -> bool:
    """Whether both tenants of the file are in this database."""
    known = {tenant.id for tenant in await tenants.list_all(engine)}
    return {demo_file.demo.credentials.tenant_id, demo_file.rival.credentials.tenant_id} <= known


async def _create(engine: Engine) -> DemoFile:
    taken = {tenant.slug for tenant in await tenants.list_all(engine)} & {"demo", "rival"}
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
    past = Engine(engine.db, clock, engine.settings, engine.server_keys, engine.webhook_formats)
    seeded = await seed.seed(past, name, slug)
    examples = await history.write_history(past, clock, seeded, scale)
    made = await _credentials(engine, seeded)
    holders = {part: seeded.users[part].id for part in Tokens.__struct_fields__}
    return DemoTenant(made, examples, holders)


async def _credentials(engine: Engine, seeded: SeededTenant) -> Credentials:
    admin, agent = seeded.users["admin"], seeded.users["agent"]
    password = random_token(12)
    await sessions.set_password(engine, seeded.operator, admin.id, password)
    place, contact = seeded.contact_callers[0].contact_at_inbox
    public = seeded.inboxes[-1]
    whatsapp = seeded.inboxes[3]
    return Credentials(
        tenant_id=seeded.tenant.id,
        delivery=credentials.DeliveryCredentials(
            tokens=_tokens(engine, seeded.tenant.id, seeded.users),
            deliveries=[
                _unused_delivery(each, seeded.users["customer"])
                for each in seeded.unused_deliveries
            ],
        ),
        helpdesk=credentials.HelpdeskCredentials(
            api_key=await _key(engine, seeded, "Helpdesk", PERMISSIONS),
            read_only_key=await _key(
                engine, seeded, "Reports", frozenset({READ_CONVERSATIONS, READ_CUSTOMERS})
            ),
            inbox_id=seeded.inboxes[0].id,
            customer_id=contact.id,
            user_id=agent.id,
        ),
        chats=credentials.ChatsCredentials(
            api_key=await _key(engine, seeded, "Chats", PERMISSIONS),
            channel_id=whatsapp.id,
            owner_id=contact.id,
            responder_id=whatsapp.responder_id or "",
        ),
        inbox=credentials.InboxCredentials(
            public.identifier, place.source_id, newest_token(engine.encryption, public) or ""
        ),
        native=credentials.NativeCredentials(admin.email or "", password),
    )


async def _key(engine: Engine, seeded: SeededTenant, name: str, permissions: frozenset[str]) -> str:
    user_id = seeded.users["agent"].id
    return (await api_keys.create(engine, seeded.operator, name, permissions, user_id=user_id)).text


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


async def _refresh(engine: Engine, demo_file: DemoFile) -> DemoFile:
    """Update deliveries and conversations, and renew tokens that expire soon."""
    old = engine.clock.now() - demo_file.made_at > (TOKEN_DAYS - 1) * DAY
    made_at = engine.clock.now() if old else demo_file.made_at
    demo = await _refresh_tenant(engine, demo_file.demo, new_tokens=old)
    rival = await _refresh_tenant(engine, demo_file.rival, new_tokens=old)
    return structs.replace(demo_file, made_at=made_at, demo=demo, rival=rival)


async def _refresh_tenant(engine: Engine, tenant: DemoTenant, new_tokens: bool) -> DemoTenant:
    known = tenant.credentials
    operator_actor = operator(known.tenant_id)
    listed = {delivery.id: delivery for delivery in known.delivery.deliveries}
    found = await deliveries.without_conversation(engine, operator_actor, list(listed))
    unused = [listed[delivery.id] for delivery in found]
    if len(unused) < MIN_UNUSED_DELIVERIES:
        customer = await directory.get(engine, operator_actor, tenant.people["customer"], "user")
        driver_id = tenant.people["driver"]
        made = await seed.more_deliveries(
            engine, operator_actor, driver_id, customer.id, MIN_UNUSED_DELIVERIES
        )
        unused += [_unused_delivery(each, customer) for each in made]
    tokens = await _renew_tokens(engine, tenant) if new_tokens else known.delivery.tokens
    delivery = structs.replace(known.delivery, tokens=tokens, deliveries=unused)
    return structs.replace(
        tenant,
        credentials=structs.replace(known, delivery=delivery),
        examples=await _example_conversations(engine, operator_actor, tenant),
    )


async def _example_conversations(
    engine: Engine, operator_actor: Actor, tenant: DemoTenant
) -> ExampleConversations:
    """The conversations of the printed examples; a deleted one is replaced by a new one."""
    known, examples = tenant.credentials, tenant.examples
    helpdesk, chats = known.helpdesk, known.chats
    question = NewConversation(
        title="Where is my order?", inbox_id=helpdesk.inbox_id, owner_id=helpdesk.customer_id
    )
    chat = NewConversation(title="A question", inbox_id=chats.channel_id, owner_id=chats.owner_id)
    return structs.replace(
        examples,
        helpdesk=await _existing_or_successor(engine, operator_actor, examples.helpdesk, question),
        chats=await _existing_or_successor(engine, operator_actor, examples.chats, chat),
    )


async def _existing_or_successor(
    engine: Engine, operator_actor: Actor, conversation_id: str, successor: NewConversation
) -> str:
    """The id of the conversation, or of its successor when it was deleted."""
    try:
        await conversations.get(engine, operator_actor, conversation_id)
    except NotFound:
        return (await conversations.create(engine, operator_actor, successor)).id
    return conversation_id


async def _renew_tokens(engine: Engine, tenant: DemoTenant) -> Tokens:
    """New tokens for the same people."""
    tenant_id = tenant.credentials.tenant_id
    users = {
        part: await directory.get(engine, operator(tenant_id), user_id, "user")
        for part, user_id in tenant.people.items()
    }
    return _tokens(engine, tenant_id, users)
