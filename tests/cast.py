"""The fixture data of most tests: two tenants, Acme and Rival, with the same people.

Ada is the administrator, Alice an agent, Dora a dispatcher, Dan a driver, and Cleo the customer of
his deliveries; Olaf is a user without a role who takes part in nothing. Carol and Dave are contacts
of the website inbox, and the Assistant is the responder. Rival's people have other ids; requests of
Acme must never return anything of Rival.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from msgspec import Struct

from koine.engine import tenants
from koine.engine.auth import api_keys, sessions
from koine.engine.contacts import inboxes
from koine.engine.contacts.hmac_tokens import newest_token
from koine.engine.core.encryption import SealingKeys
from koine.engine.core.engine import Engine, open_engine
from koine.engine.people import directory
from koine.http.app import build_app
from koine.http.dialect import Dialect
from koine.kit.clock import FakeClock
from koine.kit.ids import new_id
from koine.kit.settings import Settings, load
from koine.kit.tokens import hmac_hex, random_token
from koine.model.actor import Actor, ActorKind, operator
from koine.model.delivery import Delivery
from koine.model.identity import Identity, NewIdentity
from koine.model.inbox import ContactInbox, Inbox
from koine.model.permissions import (
    PERMISSIONS,
    READ_CONVERSATIONS,
    ROLE_PERMISSIONS,
)
from koine.model.tenant import Tenant
from koine.server.webhook_formats import webhook_formats
from koine.store import deliveries
from koine.store.auth import login_attempts
from koine.store.contacts import inboxes as inbox_rows
from koine.store.core.db import Database, Tx

FOREVER = 1 << 62
PASSWORD = "correct horse battery"
ROLES = {
    "ada": "tenant_admin", "alice": "agent", "dora": "dispatcher", "dan": "driver",
    "cleo": None, "olaf": None,
}  # fmt: skip
KEYS = {"all": PERMISSIONS, "read": frozenset({READ_CONVERSATIONS})}


class CastTenant(Struct):
    """One tenant, its people by name, and two API keys that act as Alice."""

    tenant: Tenant
    people: dict[str, Identity]
    inbox: Inbox
    contact_inboxes: dict[str, ContactInbox]
    deliveries: list[Delivery]
    key: str
    read_only_key: str

    def actor(self, name: str) -> Actor:
        """The actor of a user or contact."""
        person = self.people[name]
        kind: ActorKind = "contact" if person.kind == "contact" else "user"
        permissions = ROLE_PERMISSIONS.get(person.role, frozenset())
        return Actor(self.tenant.id, kind, person.id, person.role, permissions)

    def id(self, name: str) -> str:
        """The person's id."""
        return self.people[name].id


class Cast(Struct):
    """Both tenants, and the engine of their database."""

    engine: Engine
    clock: FakeClock
    acme: CastTenant
    rival: CastTenant

    def token(self, name: str, company: str = "acme", ttl_s: int = 3600) -> str:
        """An access token of a user."""
        of: CastTenant = getattr(self, company)
        return sessions.access_token(self.engine, of.tenant.id, of.people[name], ttl_s)

    def bearer(self, name: str, company: str = "acme") -> dict[str, str]:
        """The `Authorization` header of a user."""
        return {"Authorization": f"Bearer {self.token(name, company)}"}

    def hmac_token(self, inbox: Inbox | None = None) -> str:
        """The HMAC token of an inbox, of Acme's if none is given."""
        return newest_token(self.engine.encryption, inbox or self.acme.inbox) or ""

    def identity_hash(self, identifier: str, inbox: Inbox | None = None) -> str:
        """The identity hash that the tenant's own server makes."""
        return hmac_hex(self.hmac_token(inbox), identifier)


async def make_cast(db: Database, clock: FakeClock | None = None, **settings: object) -> Cast:
    """Create both tenants in `db`, which may have others; `settings` are the server's."""
    clock = clock or FakeClock()
    # Earlier tests may have failed to log in from the same address, at the same time.
    await db.write("", login_attempts.delete_before, FOREVER)
    loaded = make_settings(**settings)
    engine = await open_engine(db, clock, loaded, webhook_formats(loaded.public_url()))
    return Cast(
        engine, clock, await _cast_tenant(engine, "Acme"), await _cast_tenant(engine, "Rival")
    )


def make_settings(**settings: object) -> Settings:
    """The defaults without rate limits and budgets, which a fast test would exceed, and without the
    API documentation, which takes an application most of its start; and then `settings`."""
    unlimited = {
        "rate_limit_per_minute": 0,
        "inbox_rate_limit_per_minute": 0,
        "inbox_contacts_per_address": 0,
        "inbox_conversations_per_contact": 0,
        "inbox_bytes_per_address": 0,
        "docs_enabled": False,
    }
    return load({}, unlimited | settings)


@asynccontextmanager
async def http(engine: Engine, *dialects: Dialect) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of an application with these dialects, without a socket."""
    transport = httpx.ASGITransport(build_app(list(dialects), engine, engine.settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://koine.test") as client:
        yield client


async def _cast_tenant(engine: Engine, name: str) -> CastTenant:
    tenant = await tenants.create(engine, name, f"{name.lower()}-{new_id()}")
    # One transaction for everything else: most tests start with this.
    keys = engine.encryption
    return await engine.db.write(tenant.id, _fill, engine.clock.now(), tenant, keys)


async def _fill(tx: Tx, now: int, tenant: Tenant, keys: SealingKeys) -> CastTenant:
    admin = operator(tenant.id)
    people = {who: await _user(tx, now, admin, who) for who in ROLES}
    for who in ("carol", "dave"):
        new = NewIdentity(kind="contact", name=f"{who.title()} Contact", email=f"{who}@web.test")
        people[who] = await directory.create_tx(tx, now, admin, new)
    inbox = await inboxes.create_tx(tx, now, admin, keys, inboxes.NewInbox(name="Website"))
    key, read_only_key = [
        await api_keys.create.in_tx(
            tx, now, admin, key_name, permissions, user_id=people["alice"].id
        )
        for key_name, permissions in KEYS.items()
    ]
    contact_inboxes = {
        who: ContactInbox(inbox.id, people[who].id, new_id(), random_token(), False, 1)
        for who in ("carol", "dave")
    }
    for contact_inbox in contact_inboxes.values():
        await inbox_rows.insert_contact_inbox(tx, contact_inbox)
    cleos_deliveries = [
        Delivery(new_id(), f"ORD-{n}", f"C{n}", people["cleo"].id, people["dan"].id, "active", n, n)
        for n in (1, 2, 3)
    ]
    await deliveries.insert_many(tx, cleos_deliveries)
    return CastTenant(
        tenant=tenant,
        people=people,
        inbox=inbox,
        contact_inboxes=contact_inboxes,
        deliveries=cleos_deliveries,
        key=key.text,
        read_only_key=read_only_key.text,
    )


async def _user(tx: Tx, now: int, admin: Actor, who: str) -> Identity:
    new = NewIdentity(
        kind="user", name=f"{who.title()} User", first_name=who.title(), last_name="User",
        email=f"{who}-{admin.tenant_id}@team.test", role=ROLES[who],
    )  # fmt: skip
    return await directory.create_tx(tx, now, admin, new)
