"""Which events are for which endpoints, and the rows of their deliveries."""

import msgspec

from koine.model.event import LoggedEvent
from koine.model.webhook import TenantEndpoint, WebhookEndpoint
from koine.model.webhook_format import EventNames, WebhookFormats
from koine.store.core.db import Tx
from koine.store.webhooks import delivery_queue
from koine.store.webhooks.delivery_queue import QueuedDelivery

_names = msgspec.json.Decoder(list[str])


def matches(formats: WebhookFormats, event: LoggedEvent, endpoint: TenantEndpoint) -> bool:
    """Whether an event may be for an endpoint, as far as that is known without further reads."""
    if event.audience == "staff" and not endpoint.include_private_notes:
        return False
    return formats[endpoint.dialect].may_match(event, event_names_of(endpoint))


def event_names_of(endpoint: WebhookEndpoint) -> EventNames:
    """The names of the events that the endpoint wants."""
    return frozenset(_names.decode(endpoint.kinds))


async def in_their_inboxes(
    tx: Tx, pairs: list[tuple[LoggedEvent, TenantEndpoint]]
) -> list[tuple[LoggedEvent, TenantEndpoint]]:
    """Those of the pairs where the endpoint is for all inboxes, or for that of the event."""
    wanted: dict[str, set[str]] = {}
    for event, endpoint in pairs:
        if endpoint.inbox_id is not None and event.conversation_id is not None:
            wanted.setdefault(event.tenant_id, set()).add(event.conversation_id)
    inboxes: dict[str, str | None] = {}
    for tenant_id, ids in wanted.items():
        inboxes |= await delivery_queue.inbox_ids(tx, tenant_id, sorted(ids))
    return [
        (event, endpoint)
        for event, endpoint in pairs
        if endpoint.inbox_id is None
        or inboxes.get(event.conversation_id or "") == endpoint.inbox_id
    ]


def delivery_row(event: LoggedEvent, endpoint: TenantEndpoint, now: int) -> QueuedDelivery:
    """The delivery of an event to an endpoint, due at once."""
    return QueuedDelivery(
        tenant_id=event.tenant_id,
        endpoint_id=endpoint.id,
        position=event.position,
        event_id=event.id,
        kind=event.kind,
        conversation_id=event.conversation_id,
        state="pending",
        attempt=0,
        due_at=now,
        lease_version=0,
        event_at=event.created_at,
        created_at=now,
        request_id=event.request_id,
    )
