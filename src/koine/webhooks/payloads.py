"""Builds what is sent for claims: bodies in the endpoint's dialect, signed with its secrets."""

from collections.abc import Mapping

import msgspec
import structlog
from msgspec import Struct

from koine.engine.auth.visibility import can_receive
from koine.engine.core.engine import Engine
from koine.engine.webhooks.endpoint_owners import OwnerRights, endpoint_actor
from koine.engine.webhooks.matching import event_names_of
from koine.event_log.contexts import load_contexts
from koine.kit import webhook_signature
from koine.kit.cache import TTLCache
from koine.kit.times import MINUTE, SECOND, unix
from koine.model.actor import Actor
from koine.model.event import LoggedEvent
from koine.model.event_context import EventContext
from koine.model.tenant import Tenant
from koine.model.webhook import (
    Claim,
    DisableDecision,
    EndpointKey,
    TenantEndpoint,
    WebhookEndpoint,
    WebhookPayload,
)
from koine.model.webhook_format import EventNames
from koine.store import tenants
from koine.store.core.db import Tx
from koine.store.webhooks import delivery_log
from koine.webhooks.attempt_context import log_context_of

RECHECK_AFTER = SECOND
"""µs after which the rights of the endpoint's owner are checked again before a delivery is sent."""
CONTENT = {"content-type": "application/json"}
EVENT_EXPIRED = "the event is no longer in the log"
ENCODING_FAILED = "the server could not build the body; see its log"
SECRET_UNREADABLE = "no key of the server opens the endpoint's secret: rotate it"
HEADERS_UNREADABLE = (
    "no key of the server opens the endpoint's headers: set them again, or rotate its secret"
)
_headers = msgspec.json.Decoder(dict[str, str])
_log = structlog.get_logger("koine.webhooks")


class KeysUnreadable(Exception):
    """What an endpoint has encrypted is opened by no key of the server; `reason` says what."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Keys(Struct, frozen=True):
    """What is encrypted in an endpoint: its secrets, the newest first, and its own headers."""

    secrets: tuple[str, ...]
    headers: dict[str, str]


class OutgoingDelivery(Struct, frozen=True):
    """What is sent for a claim. The owner's rights were checked at `rights_checked_at` (µs)."""

    claim: Claim
    endpoint: TenantEndpoint
    body: bytes
    rights_checked_at: int


class BuildResult(Struct):
    """What was built of claims: deliveries to send; `cancelled` claims that have nothing to send,
    and why; `dropped` claims whose event the endpoint does not receive; `waiting` claims of
    endpoints that are `paused`, and why."""

    deliveries: list[OutgoingDelivery] = msgspec.field(default_factory=list)
    cancelled: list[tuple[Claim, str]] = msgspec.field(default_factory=list)
    dropped: list[Claim] = msgspec.field(default_factory=list)
    waiting: list[Claim] = msgspec.field(default_factory=list)
    paused: dict[EndpointKey, DisableDecision] = msgspec.field(default_factory=dict)


class Recipient(Struct, frozen=True):
    """An endpoint, its tenant, and the actor whose rights it has, as checked at `rights_checked_at`
    (µs)."""

    endpoint: TenantEndpoint
    actor: Actor
    tenant: Tenant | None
    rights_checked_at: int


class Recheck(Struct, frozen=True):
    """Why an endpoint must be paused, if it must; and whether its tenant is suspended, so that the
    delivery waits."""

    reason_to_pause: str | None = None
    is_held_back: bool = False


Bodies = dict[tuple[int, str, EventNames, Actor], WebhookPayload | None]
"""The bodies of a tenant's events, built once for all endpoints with the same format, kinds and
actor."""


class PayloadBuilder:
    """Builds deliveries. Caches tenants and decrypted secrets for a minute."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tenants: TTLCache[str, Tenant] = TTLCache(10_000)
        self._keys: TTLCache[tuple[EndpointKey, int], Keys] = TTLCache(10_000)

    async def build(
        self, claims: list[Claim], endpoints: Mapping[EndpointKey, TenantEndpoint]
    ) -> BuildResult:
        """The deliveries of claims. Each event is loaded once for all endpoints that receive it.
        Raises Unavailable."""
        built = BuildResult()
        by_tenant: dict[str, list[Claim]] = {}
        for claim in claims:
            by_tenant.setdefault(claim.endpoint.tenant_id, []).append(claim)
        for tenant_id, of_tenant in by_tenant.items():
            tenant = await self.tenant(tenant_id)
            now = self._engine.clock.now()
            receivers = [endpoints[key] for key in {claim.endpoint for claim in of_tenant}]
            actors = await self._engine.db.read(tenant_id, _endpoint_actors, now, receivers)
            contexts = await self._load_contexts(tenant_id, of_tenant)
            bodies: Bodies = {}
            for claim in of_tenant:
                endpoint, actor = endpoints[claim.endpoint], actors[claim.endpoint]
                if not isinstance(actor, Actor):
                    built.paused[claim.endpoint] = DisableDecision(actor, endpoint.updated_at)
                    built.waiting.append(claim)
                    continue
                recipient = Recipient(endpoint, actor, tenant, now)
                # Left claimed, it would fail again after each lease, and hold up the others.
                try:
                    self._decide(built, claim, recipient, contexts.get(claim.position), bodies)
                except Exception:
                    about = log_context_of(claim).log_context()
                    _log.error("a webhook body could not be built", exc_info=True, **about)
                    built.cancelled.append((claim, ENCODING_FAILED))
        return built

    async def tenant(self, tenant_id: str) -> Tenant | None:
        """The tenant, at most a minute old."""
        now = self._engine.clock.now()
        found = self._tenants.get(tenant_id, now)
        if found is None:
            found = await self._engine.db.read(tenant_id, tenants.get, tenant_id)
            if found is not None:
                self._tenants.put(tenant_id, found, now + MINUTE)
        return found

    async def _load_contexts(self, tenant_id: str, claims: list[Claim]) -> dict[int, EventContext]:
        events: dict[int, LoggedEvent] = {
            c.position: c.event for c in claims if c.event is not None
        }
        if not events:
            return {}
        contexts = await load_contexts(self._engine.db, tenant_id, list(events.values()), [])
        return {each.event.position: each for each in contexts}

    def _decide(
        self,
        built: BuildResult,
        claim: Claim,
        recipient: Recipient,
        context: EventContext | None,
        bodies: Bodies,
    ) -> None:
        if context is None or recipient.tenant is None:
            built.cancelled.append(
                (claim, EVENT_EXPIRED if claim.event is None else ENCODING_FAILED)
            )
        elif context.event.conversation_id is not None and context.conversation is None:
            built.cancelled.append((claim, delivery_log.DELETED))
        elif (payload := self._payload(recipient, recipient.tenant, context, bodies)) is None:
            built.dropped.append(claim)
        else:
            built.deliveries.append(
                OutgoingDelivery(
                    claim, recipient.endpoint, payload.body, recipient.rights_checked_at
                )
            )

    def _payload(
        self, recipient: Recipient, tenant: Tenant, context: EventContext, bodies: Bodies
    ) -> WebhookPayload | None:
        endpoint, actor = recipient.endpoint, recipient.actor
        if not can_receive(actor, context):
            return None
        format_, kinds = self._engine.webhook_formats[endpoint.dialect], event_names_of(endpoint)
        key = (context.event.position, endpoint.dialect, kinds, actor)
        if key not in bodies:
            bodies[key] = format_.payload(context, tenant, kinds, actor)
        return bodies[key]

    async def recheck(self, delivery: OutgoingDelivery) -> Recheck:
        """Whether a delivery may still be sent: while it waited longer than RECHECK_AFTER, its
        endpoint's owner may have lost rights, and its tenant may have been suspended. Raises
        Unavailable."""
        now = self._engine.clock.now()
        if now - delivery.rights_checked_at <= RECHECK_AFTER:
            return Recheck()
        endpoint = delivery.endpoint
        return await self._engine.db.read(endpoint.tenant_id, _recheck, now, endpoint)

    def signed(
        self, endpoint: TenantEndpoint, event_id: str, body: bytes
    ) -> tuple[dict[str, str], Keys]:
        """The headers of a request that is sent now, and the keys they were made with. Raises
        KeysUnreadable."""
        keys, now_s = self._decrypted_keys(endpoint), unix(self._engine.clock.now())
        made = CONTENT | webhook_signature.headers(keys.secrets, event_id, now_s, body)
        own = self._engine.webhook_formats[endpoint.dialect].signatures(
            keys.secrets, event_id, now_s, body
        )
        return keys.headers | made | dict(own), keys

    def _decrypted_keys(self, endpoint: TenantEndpoint) -> Keys:
        now = self._engine.clock.now()
        name = (endpoint.key, endpoint.updated_at)
        found = self._keys.get(name, now)
        if found is None:
            found = decrypt_keys(self._engine, endpoint, now)
            until = endpoint.old_secret_until or now
            # An old secret is not cached for longer than it is valid.
            ends = now + MINUTE if until <= now else min(until, now + MINUTE)
            self._keys.put(name, found, max(ends, now + SECOND))
        return found


def decrypt_keys(engine: Engine, endpoint: WebhookEndpoint, now: int) -> Keys:
    """The decrypted keys of an endpoint; an old secret that no key of the server opens is left out.
    Raises KeysUnreadable for the secret or the headers."""
    secret = _opened(engine, endpoint.secret)
    if secret is None:
        raise KeysUnreadable(SECRET_UNREADABLE)
    secrets = [secret.decode()]
    if endpoint.old_secret is not None and (endpoint.old_secret_until or 0) > now:
        old = _opened(engine, endpoint.old_secret)
        secrets += [] if old is None else [old.decode()]
    if not endpoint.headers:
        return Keys(tuple(secrets), {})
    headers = _opened(engine, endpoint.headers)
    if headers is None:
        raise KeysUnreadable(HEADERS_UNREADABLE)
    return Keys(tuple(secrets), _headers.decode(headers))


def _opened(engine: Engine, sealed: bytes) -> bytes | None:
    try:
        return engine.encryption.decrypt(sealed)
    except ValueError:
        return None


async def _endpoint_actors(
    tx: Tx, now: int, receivers: list[TenantEndpoint]
) -> dict[EndpointKey, Actor | str]:
    """The actor whose rights each endpoint has, or why it must be paused."""
    known: OwnerRights = {}
    return {endpoint.key: await endpoint_actor(tx, now, endpoint, known) for endpoint in receivers}


async def _recheck(tx: Tx, now: int, endpoint: TenantEndpoint) -> Recheck:
    actor = await endpoint_actor(tx, now, endpoint)
    tenant = await tenants.get(tx, tx.tenant_id)
    return Recheck(
        reason_to_pause=None if isinstance(actor, Actor) else actor,
        is_held_back=tenant is None or tenant.suspended_at is not None,
    )
