"""A tenant with users, a contact, credentials and conversations, for a rig to work with.

Created by the engine's operations, directly in the database: before a server runs, or beside one.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from chaos.seeded_tenant import SeededConversation, SeededTenant
from chaos.servers import ServerHome
from koine.engine import tenants
from koine.engine.auth import api_keys, sessions
from koine.engine.contacts import inboxes
from koine.engine.conversations import conversations
from koine.engine.core.engine import Engine, open_engine
from koine.engine.people import directory
from koine.kit.clock import SystemClock
from koine.kit.ids import new_id
from koine.kit.tokens import random_token
from koine.model.actor import Actor, operator
from koine.model.conversation import Conversation, NewConversation
from koine.model.identity import Identity, NewIdentity
from koine.model.inbox import ContactInbox
from koine.model.permissions import PERMISSIONS
from koine.server.database import open_database
from koine.server.webhook_formats import webhook_formats
from koine.store import schema
from koine.store.contacts import inboxes as inbox_rows
from koine.store.core.db import Tx

WEEK_S = 7 * 86_400
AT_ONCE = 16
ROLES = {"ada": "tenant_admin", "alice": "agent", "dan": "driver"}


@asynccontextmanager
async def home_engine(
    home: ServerHome, settings: Mapping[str, object] | None = None
) -> AsyncIterator[Engine]:
    """An engine in the rig's process on a home's database; creates the tables if there are none.

    Beside a running server it is one more process on the same database, as `koine user` is.
    """
    given = home.settings(settings)
    home.folder.joinpath("data").mkdir(parents=True, exist_ok=True)
    db = await open_database(given)
    try:
        await schema.migrate(db)
        yield await open_engine(db, SystemClock(), given, webhook_formats(given.public_url()))
    finally:
        await db.close()


async def seed(home: ServerHome, count: int = 10, name: str = "Acme") -> SeededTenant:
    """Create another tenant with `count` conversations in a home."""
    async with home_engine(home) as engine:
        return await seed_tenant(engine, count, name)


async def seed_tenant(engine: Engine, count: int = 10, name: str = "Acme") -> SeededTenant:
    """The same on an open engine."""
    tenant = await tenants.create(engine, name, f"{name.lower()}-{new_id()}")
    actor = operator(tenant.id)
    users = {name: await _user(engine, actor, name, role) for name, role in ROLES.items()}
    carol = await directory.create(engine, actor, NewIdentity(kind="contact", name="Carol Contact"))
    inbox = await inboxes.create(engine, actor, inboxes.NewInbox(name="Website"))
    place = ContactInbox(inbox.id, carol.id, new_id(), random_token(), False, 1)
    await engine.db.write(tenant.id, _insert_contact_inbox, place)
    key = await api_keys.create(engine, actor, "all", PERMISSIONS, user_id=users["alice"].id)
    new = NewConversation(
        title="Conversation", inbox_id=inbox.id, owner_id=carol.id, source_id=place.source_id,
        participants=((users["dan"].id, "member"), (users["alice"].id, "member")),
    )  # fmt: skip
    made: list[Conversation] = []
    while wanted := min(AT_ONCE, count - len(made)):
        some = (conversations.create(engine, actor, new) for _ in range(wanted))
        made += await asyncio.gather(*some)
    return SeededTenant(
        tenant_id=tenant.id,
        ids={"carol": carol.id} | {name: user.id for name, user in users.items()},
        tokens={
            name: sessions.access_token(engine, tenant.id, user, WEEK_S)
            for name, user in users.items()
        },
        key=key.text,
        inbox_id=inbox.id,
        inbox_identifier=inbox.identifier,
        source_id=place.source_id,
        conversations=[SeededConversation(each.id, each.number) for each in made],
    )


async def _user(engine: Engine, actor: Actor, name: str, role: str) -> Identity:
    email = f"{name}-{actor.tenant_id}@team.test"
    title = name.title()
    new = NewIdentity(kind="user", name=title, first_name=title, email=email, role=role)
    return await directory.create(engine, actor, new)


async def _insert_contact_inbox(tx: Tx, place: ContactInbox) -> None:
    await inbox_rows.insert_contact_inbox(tx, place)
