"""The deliveries of a webhook endpoint: list them, and send them again."""

from msgspec import Struct, structs

from koine.engine.auth import access
from koine.engine.core.engine import Engine
from koine.engine.core.operations import long_read_tx, read_tx, write_tx
from koine.engine.core.recorder import record_audit
from koine.engine.webhooks.endpoint_owners import as_now
from koine.engine.webhooks.endpoints import READ, WRITE, existing
from koine.engine.webhooks.matching import delivery_row, in_their_inboxes, matches
from koine.model.actor import Actor
from koine.model.errors import Conflict, NotFound
from koine.model.page import Page, Window
from koine.model.permissions import (
    MANAGE_OPERATIONS,
    MANAGE_TENANT,
    READ_CONVERSATIONS,
    VIEW_TENANT,
)
from koine.model.webhook import (
    Attempt,
    DeliveryDetail,
    DeliveryState,
    TenantEndpoint,
    WebhookDelivery,
)
from koine.model.webhook_format import WebhookFormats
from koine.store.conversations import conversations
from koine.store.core.db import Tx
from koine.store.events import events
from koine.store.webhooks import delivery_log, delivery_queue, endpoints

ATTEMPTS_SHOWN = 50
CHUNK = 1000
"""Events of a replay that are enqueued in one transaction."""


class LogFilter(Struct, frozen=True):
    """Which deliveries: in one of these states, of one of these kinds of event, of events from
    `since` until before `until` (µs), of one request. An empty tuple or None is no condition."""

    states: tuple[DeliveryState, ...] = ()
    kinds: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    request_id: str | None = None


class Range(Struct, frozen=True):
    """Which events to send again: those from `since` until before `until` (µs), if given only of
    these `kinds`, which are names of the endpoint's dialect."""

    since: int
    until: int
    kinds: tuple[str, ...] = ()


@long_read_tx
async def find_page(
    tx: Tx,
    actor: Actor,
    endpoint_id: str,
    f: LogFilter,
    window: Window,
    *,
    dialect: str | None = None,
) -> Page[WebhookDelivery]:
    """A page of an endpoint's deliveries, newest event first; with a `dialect`, of which the
    endpoint must be, also their total. Raises Forbidden, NotFound."""
    access.require(actor, *READ)
    existing(await endpoints.get(tx, endpoint_id), dialect)
    with_total = dialect is not None
    return await delivery_log.find_page(
        tx, endpoint_id, window, with_total=with_total, **structs.asdict(f)
    )


@read_tx
async def get(tx: Tx, actor: Actor, endpoint_id: str, event_id: str) -> DeliveryDetail:
    """A delivery with its attempts. Their contents are only for actors that may read all
    conversations, and support conversations or deliveries of goods where they are about these.
    Raises Forbidden, NotFound."""
    access.require(actor, *READ)
    existing(await endpoints.get(tx, endpoint_id))
    found = await delivery_log.get(tx, endpoint_id, event_id)
    if found is None:
        raise NotFound("delivery")
    tried = await delivery_log.attempts(tx, found, ATTEMPTS_SHOWN)
    if not await _may_read(tx, actor, found):
        tried = [_without_content(each) for each in tried]
    return DeliveryDetail(found, tried)


@write_tx
async def replay(
    tx: Tx, now: int, actor: Actor, endpoint_id: str, event_id: str
) -> WebhookDelivery:
    """Send an event once more, with the same id. Raises Forbidden, NotFound, Conflict("disabled")
    for an endpoint that is disabled, Conflict("forgotten")."""
    access.require(actor, *WRITE)
    endpoint = await _active(tx, now, endpoint_id)
    found = await delivery_log.get(tx, endpoint_id, event_id)
    if found is None:
        raise NotFound("delivery")
    event = await events.get_by_position(tx, found.position)
    if event is None:
        raise Conflict("forgotten", "the event is no longer in the log")
    await delivery_queue.requeue(tx, [delivery_row(event, endpoint, now)], now)
    await record_audit(tx, now, actor, "replay", "webhook", endpoint_id, event=event_id)
    again = await delivery_log.get(tx, endpoint_id, event_id)
    assert again is not None
    return again


async def replay_range(engine: Engine, actor: Actor, endpoint_id: str, wanted: Range) -> int:
    """Send the events of a time again, as far as the log still has them and the endpoint wants
    them, with the same ids. Returns how many. Raises as `replay`."""
    start, end = await _position_range(engine, actor, engine.clock.now(), endpoint_id, wanted)
    count = 0
    while start < end:
        start, found = await _requeue_op(
            engine, actor, engine.webhook_formats, endpoint_id, wanted, between=(start, end)
        )
        count += found
    return count


@long_read_tx
async def _position_range(
    tx: Tx, actor: Actor, now: int, endpoint_id: str, wanted: Range
) -> tuple[int, int]:
    """The positions between which the log has the events of that time, without the first one."""
    access.require(actor, *WRITE)
    await _active(tx, now, endpoint_id)
    return await events.position_range(tx, wanted.since, wanted.until)


async def _requeue(
    tx: Tx,
    now: int,
    actor: Actor,
    formats: WebhookFormats,
    endpoint_id: str,
    wanted: Range,
    *,
    between: tuple[int, int],
) -> tuple[int, int]:
    """Enqueue one chunk; returns where it ends and how many deliveries it had."""
    access.require(actor, *WRITE)
    endpoint = await _active(tx, now, endpoint_id)
    kinds = frozenset(wanted.kinds)
    chunk = await events.of_tenant_after(tx, *between, CHUNK)
    pairs = [
        (event, endpoint)
        for event in chunk
        if wanted.since <= event.created_at < wanted.until
        and matches(formats, event, endpoint)
        and (not kinds or formats[endpoint.dialect].may_match(event, kinds))
    ]
    rows = [delivery_row(event, endpoint, now) for event, _ in await in_their_inboxes(tx, pairs)]
    await delivery_queue.requeue(tx, rows, now)
    await record_audit(tx, now, actor, "replay", "webhook", endpoint_id, events=len(rows))
    return (chunk[-1].position if len(chunk) == CHUNK else between[1]), len(rows)


_requeue_op = write_tx(_requeue)


async def _active(tx: Tx, now: int, endpoint_id: str) -> TenantEndpoint:
    found = await as_now(tx, now, existing(await endpoints.get(tx, endpoint_id)))
    if found.status != "active":
        raise Conflict("disabled", "the webhook is switched off")
    return TenantEndpoint(**structs.asdict(found), tenant_id=tx.tenant_id)


async def _may_read(tx: Tx, actor: Actor, delivery: WebhookDelivery) -> bool:
    """Whether the actor may read the contents of a delivery of any endpoint."""
    if not (actor.may(VIEW_TENANT, READ_CONVERSATIONS) and access.sees_private(actor)):
        return False
    if delivery.kind.startswith("delivery."):
        return actor.may(MANAGE_OPERATIONS, MANAGE_TENANT)
    if delivery.conversation_id is None:
        return True
    found = await conversations.get_by_ids(tx, [delivery.conversation_id])
    readers = await access.support_readers(tx, found.values())
    return access.may_read_messages(actor, readers.get(delivery.conversation_id))


def _without_content(attempt: Attempt) -> Attempt:
    return structs.replace(attempt, body=None, response_headers=None, response_body=None)
