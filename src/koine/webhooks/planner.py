"""Plans deliveries: for each event of the log, a row for each endpoint that receives it.

The rows are written by a durable follower of the log, so no event is left out or planned twice
(`event_log.durable_follower`). Events that may have taken rights from the owner of an endpoint are
handled here, too: then the endpoint is paused before anything more is planned for it.
"""

from koine.engine.core.engine import Engine
from koine.engine.webhooks import endpoint_owners as owners
from koine.engine.webhooks.matching import delivery_row, in_their_inboxes, matches
from koine.model.actor import Actor
from koine.model.event import EventKind, LoggedEvent
from koine.model.webhook import DisableDecision, EndpointKey, TenantEndpoint
from koine.model.webhook_format import WebhookFormats
from koine.store.core.db import Tx
from koine.store.core.tenant_tx import TenantTx
from koine.store.webhooks import delivery_queue, endpoints

_RIGHTS: frozenset[EventKind] = frozenset(
    {"credential.changed", "identity.updated", "identity.removed"}
)
"""Events after which the owner of an endpoint may have fewer rights than before."""


class DeliveryPlanner:
    """Opens the handler of a transaction (`event_log.durable_follower.OpenHandler`)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def open_handler(self, tx: Tx) -> "PlanningHandler":
        """Read the endpoints that may receive events, of all tenants."""
        formats = self._engine.webhook_formats
        active = [
            endpoint for endpoint in await endpoints.active(tx) if endpoint.dialect in formats
        ]
        return PlanningHandler(tx, formats, active, self._engine.clock.now())


class PlanningHandler:
    """An `event_log.durable_follower.EventHandler`."""

    def __init__(
        self, tx: Tx, formats: WebhookFormats, active: list[TenantEndpoint], now: int
    ) -> None:
        self._tx = tx
        self._formats = formats
        self._active = active
        self._now = now

    @property
    def since(self) -> int | None:
        """An endpoint receives the events after it was made or enabled."""
        return min((endpoint.after_position for endpoint in self._active), default=None)

    async def is_needed(self, chunk: list[LoggedEvent]) -> bool:
        """Whether an endpoint receives one of the events, or loses its owner's rights by one."""
        tx = self._tx
        return bool(await _pairs(tx, self._formats, self._active, chunk)) or bool(
            await _endpoints_without_rights(tx, self._now, _concerned(self._active, chunk))
        )

    async def handle(self, chunk: list[LoggedEvent]) -> int:
        """Pause endpoints whose owner lost rights, and write the deliveries of the others."""
        tx, now = self._tx, self._now
        pairs = await _pairs(tx, self._formats, self._active, chunk)
        lost = await _endpoints_without_rights(
            tx, now, [*_concerned(self._active, chunk), *(endpoint for _, endpoint in pairs)]
        )
        for key, decision in sorted(lost.items(), key=lambda each: each[0].endpoint_id):
            await owners.pause(TenantTx(tx, key.tenant_id), now, key, decision)
        due_now = [
            delivery_row(event, endpoint, now)
            for event, endpoint in pairs
            if endpoint.key not in lost
        ]
        await delivery_queue.enqueue(tx, due_now)
        return len(due_now)


async def _pairs(
    tx: Tx, formats: WebhookFormats, active: list[TenantEndpoint], chunk: list[LoggedEvent]
) -> list[tuple[LoggedEvent, TenantEndpoint]]:
    """Each event with each endpoint that receives it."""
    by_tenant = _by_tenant(active)
    pairs = [
        (event, endpoint)
        for event in chunk
        for endpoint in by_tenant.get(event.tenant_id, ())
        if event.position > endpoint.after_position and matches(formats, event, endpoint)
    ]
    return await in_their_inboxes(tx, pairs)


def _concerned(active: list[TenantEndpoint], chunk: list[LoggedEvent]) -> list[TenantEndpoint]:
    """The endpoints whose owner may have lost rights by one of these events: the person that it is
    about, or any key, since a key's rights may depend on other people."""
    by_tenant = _by_tenant(active)
    found = {
        endpoint.key: endpoint
        for event in chunk
        if event.kind in _RIGHTS and event.tenant_id in by_tenant and not event.is_of_contact
        for endpoint in by_tenant[event.tenant_id]
        if endpoint.owner_key_id is not None or endpoint.acts_as_user_id == event.subject_id
    }
    return list(found.values())


async def _endpoints_without_rights(
    tx: Tx, now: int, candidates: list[TenantEndpoint]
) -> dict[EndpointKey, DisableDecision]:
    """The endpoints, of these, that must be paused, and why."""
    known: dict[str, owners.OwnerRights] = {}
    lost: dict[EndpointKey, DisableDecision] = {}
    for key, endpoint in {endpoint.key: endpoint for endpoint in candidates}.items():
        tenant = TenantTx(tx, key.tenant_id)
        found = await owners.endpoint_actor(
            tenant, now, endpoint, known.setdefault(key.tenant_id, {})
        )
        if not isinstance(found, Actor):
            lost[key] = DisableDecision(found, endpoint.updated_at)
    return lost


def _by_tenant(active: list[TenantEndpoint]) -> dict[str, list[TenantEndpoint]]:
    found: dict[str, list[TenantEndpoint]] = {}
    for endpoint in active:
        found.setdefault(endpoint.tenant_id, []).append(endpoint)
    return found
