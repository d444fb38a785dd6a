"""Webhook endpoints: create, list, rotate the secret, remove.

The creator of an endpoint delegates its rights to it for as long as it holds them: the endpoint is
sent what its creator may read, and nothing else. So the permission to manage webhooks does not
circumvent other permissions.
"""

import msgspec
from msgspec import Struct, structs

from koine.engine.auth import access
from koine.engine.core.encryption import SealingKeys
from koine.engine.core.engine import Engine
from koine.engine.core.operations import read_tx, write_tx
from koine.engine.core.recorder import record_audit
from koine.engine.webhooks import endpoint_owners as owners
from koine.engine.webhooks.validation import check_headers, check_inbox_tx, check_kinds, check_url
from koine.kit import webhook_signature
from koine.kit.ids import new_id
from koine.kit.json import json_text
from koine.kit.times import HOUR
from koine.model.actor import Actor
from koine.model.errors import Conflict, NotFound
from koine.model.permissions import (
    MANAGE_TENANT,
    MANAGE_WEBHOOKS,
    READ_WEBHOOKS,
    WRITE_WEBHOOKS,
)
from koine.model.webhook import Backoff, DisableDecision, EndpointKey, WebhookEndpoint
from koine.store.core.db import Tx
from koine.store.events import cursors, events
from koine.store.webhooks import delivery_log, endpoints

READ = (READ_WEBHOOKS, MANAGE_WEBHOOKS, MANAGE_TENANT)
WRITE = (WRITE_WEBHOOKS, MANAGE_WEBHOOKS, MANAGE_TENANT)
MAX_ENDPOINTS = 1000
"""Endpoints of one tenant."""
BATCH_SIZE = 1000
"""Deliveries deleted in one transaction: few, so that other writes come in between."""
OLD_SECRET_HOURS = 24
"""By default, for how long a replaced secret still signs, beside the new one."""


class NewEndpoint(Struct, frozen=True, kw_only=True):
    """The fields of a new endpoint. `kinds` are its dialect's names of events, empty for all."""

    url: str
    name: str = ""
    dialect: str
    inbox_id: str | None = None
    kinds: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    max_retries: int | None = None
    backoff: Backoff | None = None


class CreatedEndpoint(Struct, frozen=True):
    """An endpoint and its secret, which is returned only here."""

    endpoint: WebhookEndpoint
    secret: str


async def create(engine: Engine, actor: Actor, new: NewEndpoint) -> CreatedEndpoint:
    """Create an endpoint. Raises Forbidden, Invalid("url" | "events" | "headers" | "inbox_id"),
    Conflict("too_many")."""
    access.require(actor, *WRITE)
    await check_url(engine, new.url)
    check_kinds(engine, new.dialect, new.kinds)
    check_headers(engine, new.headers)
    return await _create(engine, actor, engine.encryption, new)


@write_tx
async def _create(
    tx: Tx, now: int, actor: Actor, cipher: SealingKeys, new: NewEndpoint
) -> CreatedEndpoint:
    await check_inbox_tx(tx, new.inbox_id)
    if await endpoints.count(tx) >= MAX_ENDPOINTS:
        raise Conflict("too_many", f"there are {MAX_ENDPOINTS} webhooks already")
    secret = webhook_signature.new_secret()
    endpoint = WebhookEndpoint(
        id=new_id(),
        dialect=new.dialect,
        inbox_id=new.inbox_id,
        name=new.name,
        url=new.url,
        kinds=json_text(new.kinds),
        headers=seal_headers(cipher, new.headers),
        secret=cipher.encrypt(secret.encode()),
        old_secret=None,
        old_secret_until=None,
        max_retries=new.max_retries,
        backoff=new.backoff,
        **await owners.delegate(tx, now, actor),
        after_position=(await events.log_snapshot(tx)).last,
        status="active",
        reason=None,
        failures=0,
        failing_since=None,
        open_until=None,
        created_by=actor.identity_id,
        created_at=now,
        updated_at=now,
    )
    await endpoints.insert_one(tx, endpoint)
    detail = {"name": endpoint.name, "dialect": endpoint.dialect}
    await record_audit(tx, now, actor, "create", "webhook", endpoint.id, **detail)
    return CreatedEndpoint(endpoint, secret)


async def get(
    engine: Engine, actor: Actor, endpoint_id: str, dialect: str | None = None
) -> WebhookEndpoint:
    """One endpoint, of this dialect if given. Raises Forbidden, NotFound."""
    return await _get(engine, actor, engine.clock.now(), endpoint_id, dialect)


async def list_all(engine: Engine, actor: Actor) -> list[WebhookEndpoint]:
    """Every endpoint of the tenant, oldest first. Raises Forbidden."""
    return await _everyone(engine, actor, engine.clock.now())


@read_tx
async def _get(
    tx: Tx, actor: Actor, now: int, endpoint_id: str, dialect: str | None
) -> WebhookEndpoint:
    access.require(actor, *READ)
    return await owners.as_now(tx, now, existing(await endpoints.get(tx, endpoint_id), dialect))


@read_tx
async def _everyone(tx: Tx, actor: Actor, now: int) -> list[WebhookEndpoint]:
    access.require(actor, *READ)
    known: owners.OwnerRights = {}
    return [
        await owners.as_now(tx, now, endpoint, known) for endpoint in await endpoints.list_all(tx)
    ]


def existing(found: WebhookEndpoint | None, dialect: str | None = None) -> WebhookEndpoint:
    """The endpoint, if there is one and it is of the dialect. Raises NotFound."""
    if found is None or dialect not in (None, found.dialect):
        raise NotFound("webhook")
    return found


@write_tx
async def rotate(
    tx: Tx,
    now: int,
    actor: Actor,
    cipher: SealingKeys,
    endpoint_id: str,
    hours: int = OLD_SECRET_HOURS,
) -> CreatedEndpoint:
    """Give an endpoint a new secret; for some hours the old one still signs, too (0: it does not).
    An old secret and headers that no key of the server opens are dropped, or nothing could be sent.
    Raises Forbidden, also for an endpoint that may be sent more than the actor may read; NotFound.
    """
    access.require(actor, *WRITE)
    before = existing(await endpoints.lock(tx, endpoint_id))
    owners.require_rights_of(actor, before)
    secret = webhook_signature.new_secret()
    overlaps = hours > 0 and opens(cipher, before.secret)
    keeps_headers = before.headers is not None and opens(cipher, before.headers)
    after = structs.replace(
        before,
        secret=cipher.encrypt(secret.encode()),
        old_secret=before.secret if overlaps else None,
        old_secret_until=now + hours * HOUR if overlaps else None,
        headers=before.headers if keeps_headers else None,
        updated_at=max(now, before.updated_at + 1),
    )
    await endpoints.change(tx, after)
    detail = {"dropped": "headers"} if after.headers != before.headers else {}
    await record_audit(tx, now, actor, "rotate", "webhook", endpoint_id, **detail)
    return CreatedEndpoint(after, secret)


async def remove(
    engine: Engine, actor: Actor, endpoint_id: str, dialect: str | None = None
) -> None:
    """Remove an endpoint (of this dialect if given) with its deliveries. It is disabled first, as
    deleting many deliveries takes a while. Raises Forbidden, NotFound."""
    while await _empty(engine, actor, endpoint_id, dialect):
        pass
    await _remove(engine, actor, endpoint_id, dialect)


@write_tx
async def _empty(tx: Tx, now: int, actor: Actor, endpoint_id: str, dialect: str | None) -> bool:
    """Delete a batch of deliveries; returns whether there are more."""
    access.require(actor, *WRITE)
    found = existing(await endpoints.lock(tx, endpoint_id), dialect)
    decision = DisableDecision("being removed", found.updated_at)
    await endpoints.disable(tx, EndpointKey(actor.tenant_id, endpoint_id), decision, now)
    return await delivery_log.delete_some(tx, endpoint_id, BATCH_SIZE)


@write_tx
async def _remove(tx: Tx, now: int, actor: Actor, endpoint_id: str, dialect: str | None) -> None:
    access.require(actor, *WRITE)
    # The planner waits for this lock: it must not write a delivery of an endpoint that is gone.
    await cursors.lock(tx, endpoints.PLANNER_CURSOR)
    existing(await endpoints.lock(tx, endpoint_id), dialect)
    await endpoints.delete_one(tx, endpoint_id)
    await record_audit(tx, now, actor, "remove", "webhook", endpoint_id)


def opens(cipher: SealingKeys, sealed: bytes) -> bool:
    """Whether a key of the server opens the value."""
    return cipher.opening_key(sealed) is not None


def seal_headers(cipher: SealingKeys, headers: dict[str, str]) -> bytes | None:
    """Headers as they are stored: encrypted, as they may contain credentials."""
    return cipher.encrypt(msgspec.json.encode(headers)) if headers else None
