"""A tenant with its people, their credentials and their conversations.

Made in the database by the engine's own verbs, before a server serves it or beside one.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from msgspec import Struct

from chaos.servers import ServerHome
from koine.engine import tenants
from koine.engine.auth import api_keys, sessions
from koine.engine.contacts import inboxes
from koine.engine.conversations import conversations
from koine.engine.core import context as engines
from koine.engine.core.context import Engine
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
from koine.store.core.db import Tx
from koine.store.people import inboxes as inbox_rows

WEEK_S = 7 * 86_400
AT_ONCE = 16
ROLES = {"ada": "tenant_admin", "alice": "agent", "dan": "driver"}


class SeededConversation(Struct, frozen=True):
    """A conversation: Carol's in the website inbox, in which Dan and Alice take part."""

    id: str
    number: int


class SeededTenant(Struct, frozen=True):
    """One tenant and what opens its doors; a token holds for a week.

    Ada administers, Alice is an agent, Dan drives: `ids` and `tokens` by name. `key` may do
    everything and acts as Alice. Carol is the contact: she comes in by `contact_path`.
    """

    tenant_id: str
    ids: dict[str, str]
    tokens: dict[str, str]
    key: str
    inbox_id: str
    inbox_identifier: str
    source_id: str
    conversations: list[SeededConversation]

    @property
    def contact_path(self) -> str:
        """Where Carol's conversations are in the inbox dialect, by their numbers."""
        place = f"/public/api/v1/inboxes/{self.inbox_identifier}/contacts"
        return f"{place}/{self.source_id}/conversations"

    def bearer(self, name: str) -> dict[str, str]:
        """The header that says who calls."""
        return {"Authorization": f"Bearer {self.tokens[name]}"}


@asynccontextmanager
async def open_engine(
    home: ServerHome, settings: Mapping[str, object] | None = None
) -> AsyncIterator[Engine]:
    """An engine of the rig's own on a home's database, with its tables made if need be.

    Beside a running server it is one more program on the same database, as `koine user` is.
    """
    given = home.settings(settings)
    home.folder.joinpath("data").mkdir(parents=True, exist_ok=True)
    db = await open_database(given)
    try:
        await schema.migrate(db)
        yield await engines.open_engine(
            db, SystemClock(), given, webhook_formats(given.public_url())
        )
    finally:
        await db.close()


async def seed(home: ServerHome, count: int = 10, name: str = "Acme") -> SeededTenant:
    """Create a tenant with `count` conversations in a home; another one for each call."""
    async with open_engine(home) as engine:
        return await seed_tenant(engine, count, name)


async def seed_tenant(engine: Engine, count: int = 10, name: str = "Acme") -> SeededTenant:
    """As `seed`, on an open engine."""
    tenant = await tenants.create(engine, name, f"{name.lower()}-{new_id()}")
    boss = operator(tenant.id)
    users = {who: await _user(engine, boss, who, role) for who, role in ROLES.items()}
    carol = await directory.create(engine, boss, NewIdentity(kind="contact", name="Carol Contact"))
    inbox = await inboxes.create(engine, boss, inboxes.NewInbox(name="Website"))
    place = ContactInbox(inbox.id, carol.id, new_id(), random_token(), False, 1)
    await engine.db.write(tenant.id, _insert_identity, place)
    key = await api_keys.create(engine, boss, "all", PERMISSIONS, user_id=users["alice"].id)
    new = NewConversation(
        title="Conversation", inbox_id=inbox.id, owner_id=carol.id, source_id=place.source_id,
        participants=((users["dan"].id, "member"), (users["alice"].id, "member")),
    )  # fmt: skip
    made: list[Conversation] = []
    while wanted := min(AT_ONCE, count - len(made)):
        some = (conversations.create(engine, boss, new) for _ in range(wanted))
        made += await asyncio.gather(*some)
    return SeededTenant(
        tenant_id=tenant.id,
        ids={"carol": carol.id} | {who: user.id for who, user in users.items()},
        tokens={
            who: sessions.access_token(engine, tenant.id, user, WEEK_S)
            for who, user in users.items()
        },
        key=key.text,
        inbox_id=inbox.id,
        inbox_identifier=inbox.identifier,
        source_id=place.source_id,
        conversations=[SeededConversation(each.id, each.number) for each in made],
    )


async def _user(engine: Engine, boss: Actor, who: str, role: str) -> Identity:
    email = f"{who}-{boss.tenant_id}@team.test"
    new = NewIdentity(kind="user", name=who.title(), first_name=who.title(), email=email, role=role)
    return await directory.create(engine, boss, new)


async def _insert_identity(tx: Tx, place: ContactInbox) -> None:
    await inbox_rows.insert_contact_inbox(tx, place)
