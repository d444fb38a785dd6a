"""From claims to what is posted: bodies in the endpoint's dialect, signed with its secrets."""

from collections.abc import Mapping

import msgspec
import structlog
from msgspec import Struct

from koine.engine.auth.visibility import can_receive
from koine.engine.core.context import Engine
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
from koine.model.webhook import Claim, EndpointKey, TenantEndpoint, WebhookEndpoint, WebhookPayload
from koine.model.webhook_format import EventNames
from koine.store.core.db import Tx
from koine.store.people import tenants
from koine.store.webhooks import delivery_log

RECHECK_AFTER = SECOND
"""µs after which a letter's owner is asked for again before it is posted."""
CONTENT = {"content-type": "application/json"}
EVENT_EXPIRED = "the event is no longer in the log"
ENCODING_FAILED = "the server could not build the body; see its log"
SECRET_UNREADABLE = (
    "the endpoint's secret cannot be read: the server's secret_key is another; rotate it"
)
_headers = msgspec.json.Decoder(dict[str, str])
_log = structlog.get_logger("koine.webhooks")


class Keys(Struct, frozen=True):
    """What is sealed in a hook: its secrets, the newest first, and its own headers."""

    secrets: tuple[str, ...]
    headers: dict[str, str]


class OutgoingDelivery(Struct, frozen=True):
    """What is to be posted for a claim; at `asked` (µs) its owner was known to have the right."""

    claim: Claim
    hook: TenantEndpoint
    body: bytes
    rights_checked_at: int


class BuildResult(Struct):
    """What became of claims: letters to post, claims with nothing to tell and why, claims that
    were never for their endpoint; those that wait as their endpoint is to be paused, and why."""

    deliveries: list[OutgoingDelivery] = msgspec.field(default_factory=list)
    cancelled: list[tuple[Claim, str]] = msgspec.field(default_factory=list)
    dropped: list[Claim] = msgspec.field(default_factory=list)
    waiting: list[Claim] = msgspec.field(default_factory=list)
    paused: dict[EndpointKey, str] = msgspec.field(default_factory=dict)


class Recipient(Struct, frozen=True):
    """An endpoint, the actor with whose rights it reads, its tenant; read at `asked` (µs)."""

    hook: TenantEndpoint
    actor: Actor
    tenant: Tenant | None
    rights_checked_at: int


Made = dict[tuple[int, str, EventNames, Actor], WebhookPayload | None]
"""The bodies of a tenant's events, each made once for all endpoints that are told it alike."""


class PayloadBuilder:
    """Writes letters. Remembers tenants and opened secrets for a minute."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tenants: TTLCache[str, Tenant] = TTLCache(10_000)
        self._keys: TTLCache[tuple[EndpointKey, int], Keys] = TTLCache(10_000)

    async def build(
        self, claims: list[Claim], hooks: Mapping[EndpointKey, TenantEndpoint]
    ) -> BuildResult:
        """The letters of some claims; each event is gathered once for all who are told of it.
        Raises Unavailable."""
        written = BuildResult()
        by_tenant: dict[str, list[Claim]] = {}
        for claim in claims:
            by_tenant.setdefault(claim.endpoint.tenant_id, []).append(claim)
        for tenant_id, theirs in by_tenant.items():
            tenant = await self.tenant(tenant_id)
            now = self._engine.clock.now()
            asked = [hooks[place] for place in {claim.endpoint for claim in theirs}]
            actors = await self._engine.db.read(tenant_id, _endpoint_actors, now, asked)
            happened = await self._happened(tenant_id, theirs)
            made: Made = {}
            for claim in theirs:
                hook, actor = hooks[claim.endpoint], actors[claim.endpoint]
                if not isinstance(actor, Actor):
                    written.paused[claim.endpoint] = actor
                    written.waiting.append(claim)
                    continue
                recipient = Recipient(hook, actor, tenant, now)
                # Claimed again for ever, the one that cannot be told would be in everyone's way.
                try:
                    self._decide(written, claim, recipient, happened.get(claim.position), made)
                except Exception:
                    _log.error(
                        "a webhook body could not be built", event_id=claim.event_id, exc_info=True
                    )
                    written.cancelled.append((claim, ENCODING_FAILED))
        return written

    async def tenant(self, tenant_id: str) -> Tenant | None:
        """The tenant, at most a minute old."""
        now = self._engine.clock.now()
        found = self._tenants.get(tenant_id, now)
        if found is None:
            found = await self._engine.db.read(tenant_id, tenants.get, tenant_id)
            if found is not None:
                self._tenants.put(tenant_id, found, now + MINUTE)
        return found

    async def _happened(self, tenant_id: str, claims: list[Claim]) -> dict[int, EventContext]:
        events: dict[int, LoggedEvent] = {
            c.position: c.event for c in claims if c.event is not None
        }
        if not events:
            return {}
        happened = await load_contexts(self._engine.db, tenant_id, list(events.values()), [])
        return {each.event.position: each for each in happened}

    def _decide(
        self,
        written: BuildResult,
        claim: Claim,
        recipient: Recipient,
        happening: EventContext | None,
        made: Made,
    ) -> None:
        if happening is None or recipient.tenant is None:
            written.cancelled.append(
                (claim, EVENT_EXPIRED if claim.event is None else ENCODING_FAILED)
            )
        elif happening.event.conversation_id is not None and happening.conversation is None:
            written.cancelled.append((claim, delivery_log.DELETED))
        elif (told := self._told(recipient, recipient.tenant, happening, made)) is None:
            written.dropped.append(claim)
        else:
            written.deliveries.append(
                OutgoingDelivery(claim, recipient.hook, told.body, recipient.rights_checked_at)
            )

    def _told(
        self, recipient: Recipient, tenant: Tenant, happening: EventContext, made: Made
    ) -> WebhookPayload | None:
        hook, actor = recipient.hook, recipient.actor
        if not can_receive(actor, happening):
            return None
        voice, kinds = self._engine.webhook_formats[hook.dialect], event_names_of(hook)
        key = (happening.event.position, hook.dialect, kinds, actor)
        if key not in made:
            made[key] = voice.payload(happening, tenant, kinds, actor)
        return made[key]

    async def reason_to_pause(self, letter: OutgoingDelivery) -> str | None:
        """Why a letter must not be posted after all: its endpoint's owner lost rights while it
        waited, longer than RECHECK_AFTER. Raises Unavailable."""
        now = self._engine.clock.now()
        if now - letter.rights_checked_at <= RECHECK_AFTER:
            return None
        hook = letter.hook
        found = await self._engine.db.read(hook.tenant_id, _endpoint_actors, now, [hook])
        actor = found[hook.key]
        return None if isinstance(actor, Actor) else actor

    def signed(
        self, hook: TenantEndpoint, event_id: str, body: bytes
    ) -> tuple[dict[str, str], Keys]:
        """The headers of a post of now, and the keys they are made with. Raises ValueError when
        the keys cannot be read."""
        keys, now_s = self._opened(hook), unix(self._engine.clock.now())
        made = CONTENT | webhook_signature.headers(keys.secrets, event_id, now_s, body)
        own = self._engine.webhook_formats[hook.dialect].signatures(
            keys.secrets, event_id, now_s, body
        )
        return keys.headers | made | dict(own), keys

    def _opened(self, hook: TenantEndpoint) -> Keys:
        now = self._engine.clock.now()
        name = (hook.key, hook.updated_at)
        found = self._keys.get(name, now)
        if found is None:
            found = decrypt_keys(self._engine, hook, now)
            until = hook.old_secret_until or now
            # An old secret is not remembered beyond its time.
            ends = now + MINUTE if until <= now else min(until, now + MINUTE)
            self._keys.put(name, found, max(ends, now + SECOND))
        return found


def decrypt_keys(engine: Engine, hook: WebhookEndpoint, now: int) -> Keys:
    """The keys of a hook. Raises ValueError when they were sealed under another secret."""
    secrets = [engine.encryption.decrypt(hook.secret).decode()]
    if hook.old_secret is not None and (hook.old_secret_until or 0) > now:
        secrets.append(engine.encryption.decrypt(hook.old_secret).decode())
    headers = _headers.decode(engine.encryption.decrypt(hook.headers)) if hook.headers else {}
    return Keys(tuple(secrets), headers)


async def _endpoint_actors(
    tx: Tx, now: int, asked: list[TenantEndpoint]
) -> dict[EndpointKey, Actor | str]:
    """As whom each endpoint listens, or why it must be paused."""
    known: OwnerRights = {}
    return {hook.key: await endpoint_actor(tx, now, hook, known) for hook in asked}
