"""The queue of webhook deliveries: enqueue them, claim those that are due, record the results.

Claims and leases are those of `store.core.work_queue`; each endpoint is a queue of its own.
"""

from typing import Any

from msgspec import Struct
from msgspec.structs import astuple
from sqlalchemy import BigInteger, delete, exists, func, or_, select, tuple_, update

from koine.kit.times import MINUTE
from koine.model.event import LoggedEvent
from koine.model.webhook import Attempt, Claim, EndpointKey, Result, TenantEndpoint
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list, values_table
from koine.store.core.statements import Command, InsertMany, Query, param
from koine.store.core.types import Uuid
from koine.store.core.work_queue import ClaimedRow, WorkQueue
from koine.store.tables import conversations, events, webhook_endpoints
from koine.store.tables import webhook_attempts as attempt_rows
from koine.store.tables import webhook_deliveries as t
from koine.store.tables.base import columns_of
from koine.store.tenants import SUSPENDED
from koine.store.webhooks.endpoints import TENANT_ENDPOINT_COLUMNS

_ALL_TENANTS = "the dispatchers serve all tenants"
MAX_LEASE = MINUTE
"""µs: the longest lease. A delivery that is due later is not being attempted."""


class QueuedDelivery(Struct, frozen=True):
    """A row to enqueue."""

    tenant_id: str
    endpoint_id: str
    position: int
    event_id: str
    kind: str
    conversation_id: str | None
    state: str
    attempt: int
    due_at: int
    lease_version: int
    event_at: int
    created_at: int
    request_id: str | None


_INSERT = InsertMany(
    t, list(QueuedDelivery.__struct_fields__), on_conflict=["tenant_id", "endpoint_id", "position"]
)
_REPLAYED = values_table(
    "replayed", {"tenant_id": Uuid(), "endpoint_id": Uuid(), "position": BigInteger()}
)
_REPLAY = Command(
    update(t)
    .where(
        t.c.tenant_id == _REPLAYED.c.tenant_id,
        t.c.endpoint_id == _REPLAYED.c.endpoint_id,
        t.c.position == _REPLAYED.c.position,
        # Not what is being attempted, or will be soon.
        or_(t.c.state != "pending", t.c.due_at > param("soon", BigInteger())),
    )
    .values(
        state="pending",
        attempt=0,
        due_at=param("now", BigInteger()),
        lease_version=t.c.lease_version + 1,
        error=None,
        finished_at=None,
    )
)
IS_TRIED = or_(
    webhook_endpoints.c.open_until.is_(None), webhook_endpoints.c.open_until <= param("now")
)
"""Whether the circuit breaker lets requests to an endpoint pass."""
# min() of an indexed column: one lookup, whatever the planner estimates.
NEXT_DUE_AT = (
    select(func.min(t.c.due_at))
    .where(
        t.c.tenant_id == webhook_endpoints.c.tenant_id,
        t.c.endpoint_id == webhook_endpoints.c.id,
        t.c.state == "pending",
    )
    .scalar_subquery()
)
"""When the next delivery of an endpoint is due."""
_DUE_ENDPOINTS = Query(
    select(*TENANT_ENDPOINT_COLUMNS).where(
        webhook_endpoints.c.status == "active",
        IS_TRIED,
        param("now") >= NEXT_DUE_AT,
        # Held back until the tenant is resumed.
        webhook_endpoints.c.tenant_id.not_in(SUSPENDED),
    ),
    TenantEndpoint,
    crosses_tenants=_ALL_TENANTS,
)
_QUEUE = WorkQueue(
    t,
    ["tenant_id", "endpoint_id", "position"],
    read=["event_id", "attempt"],
    results=["state", "attempt", "due_at", "response_status", "error", "finished_at"],
)
_EVENTS = Query(
    select(*columns_of(events, LoggedEvent)).where(in_list(events.c.position, "positions")),
    LoggedEvent,
    crosses_tenants=_ALL_TENANTS,
)
_PROBE = Command(
    update(webhook_endpoints)
    .where(
        webhook_endpoints.c.tenant_id == param("tenant_id"),
        webhook_endpoints.c.id == param("endpoint_id"),
        IS_TRIED,
    )
    .values(open_until=param("until"))
)
_INSERT_ATTEMPTS = InsertMany(
    attempt_rows,
    ["tenant_id", *Attempt.__struct_fields__],
    on_conflict=["tenant_id", "endpoint_id", "position", "number"],
)
_CLAIMED = values_table(
    "claimed",
    {
        "tenant_id": Uuid(),
        "endpoint_id": Uuid(),
        "position": BigInteger(),
        "lease_version": BigInteger(),
    },
)
_DELETE_CLAIMED = Command(
    delete(t).where(
        tuple_(t.c.tenant_id, t.c.endpoint_id, t.c.position, t.c.lease_version).in_(
            select(
                _CLAIMED.c.tenant_id,
                _CLAIMED.c.endpoint_id,
                _CLAIMED.c.position,
                _CLAIMED.c.lease_version,
            )
        )
    ),
    crosses_tenants=_ALL_TENANTS,
)
_INSERTED = values_table(
    "inserted",
    {"tenant_id": Uuid(), "endpoint_id": Uuid(), "position": BigInteger(), "number": BigInteger()},
)
_DELETE_UNWANTED = Command(
    delete(attempt_rows).where(
        tuple_(
            attempt_rows.c.tenant_id,
            attempt_rows.c.endpoint_id,
            attempt_rows.c.position,
            attempt_rows.c.number,
        ).in_(
            select(
                _INSERTED.c.tenant_id,
                _INSERTED.c.endpoint_id,
                _INSERTED.c.position,
                _INSERTED.c.number,
            )
        ),
        ~exists().where(
            t.c.tenant_id == attempt_rows.c.tenant_id,
            t.c.endpoint_id == attempt_rows.c.endpoint_id,
            t.c.position == attempt_rows.c.position,
            t.c.state != "cancelled",
        ),
    ),
    crosses_tenants=_ALL_TENANTS,
)
_INBOXES = Query(
    select(conversations.c.id, conversations.c.inbox_id).where(
        conversations.c.tenant_id == param("tenant_id"), in_list(conversations.c.id, "ids")
    )
)


async def enqueue(tx: Tx, due: list[QueuedDelivery]) -> None:
    """Enqueue deliveries; those that were enqueued before stay as they are."""
    await tx.many(_INSERT, [astuple(each) for each in due])


async def requeue(tx: Tx, due: list[QueuedDelivery], now: int) -> int:
    """Enqueue deliveries, again if they were enqueued before and are not about to be attempted;
    returns how many were enqueued again."""
    keys = [(each.tenant_id, each.endpoint_id, each.position) for each in due]
    soon = now + MAX_LEASE
    known = await tx.run(_REPLAY, replayed=keys, now=now, soon=soon) if keys else 0
    await enqueue(tx, due)
    return known


async def inbox_ids(tx: Tx, tenant_id: str, conversation_ids: list[str]) -> dict[str, str | None]:
    """The inbox of each of these conversations."""
    return dict(await tx.all(_INBOXES, tenant_id=tenant_id, ids=conversation_ids))


async def due_endpoints(tx: Tx, now: int) -> list[TenantEndpoint]:
    """The endpoints with a due delivery whose circuit breaker allows an attempt now, of tenants
    that are not suspended."""
    return await tx.all(_DUE_ENDPOINTS, now=now)


async def claim(
    tx: Tx, wanted: list[tuple[EndpointKey, int]], probes: list[EndpointKey], now: int, until: int
) -> list[Claim]:
    """Claim due deliveries until `until` (µs), those due longest first.

    Of each endpoint of `wanted` up to its number; of each of `probes`, whose circuit breaker has
    tripped, one, unless another node probes it now."""
    for endpoint in probes:
        where = {"tenant_id": endpoint.tenant_id, "endpoint_id": endpoint.endpoint_id}
        if await tx.run(_PROBE, **where, now=now, until=until):
            wanted = [*wanted, (endpoint, 1)]
    queues = [((endpoint.tenant_id, endpoint.endpoint_id), limit) for endpoint, limit in wanted]
    claimed = await _QUEUE.claim(tx, queues, now, until)
    positions = sorted({row.key[-1] for row in claimed})
    log = {e.position: e for e in await tx.all(_EVENTS, positions=positions)} if claimed else {}
    return [_as_claim(row, log.get(row.key[-1])) for row in claimed]


async def record_results(
    tx: Tx, results: list[Result], attempts: list[tuple[str, Attempt]]
) -> None:
    """Write the results of claims whose lease still holds, and the attempts, each with its tenant's
    id. The attempt is not kept if its conversation or endpoint was deleted meanwhile."""
    await tx.execute_together(
        (_QUEUE.settle, [_result_row(each) for each in results]),
        (_INSERT_ATTEMPTS, [(tenant_id, *astuple(each)) for tenant_id, each in attempts]),
    )
    # The deliveries are locked by now: a transaction that deletes them later finds these attempts.
    if inserted := [(tenant_id, a.endpoint_id, a.position, a.number) for tenant_id, a in attempts]:
        await tx.run(_DELETE_UNWANTED, inserted=inserted)


async def delete_claimed(tx: Tx, claims: list[Claim]) -> None:
    """Delete deliveries that should not have been planned for their endpoint."""
    rows = [
        (c.endpoint.tenant_id, c.endpoint.endpoint_id, c.position, c.lease_version) for c in claims
    ]
    await tx.run(_DELETE_CLAIMED, claimed=rows)


def _result_row(r: Result) -> tuple[Any, ...]:
    where = (r.endpoint.tenant_id, r.endpoint.endpoint_id, r.position, r.lease_version)
    return (*where, r.state, r.attempt, r.due_at, r.response_status, r.error, r.finished_at)


def _as_claim(row: ClaimedRow, event: LoggedEvent | None) -> Claim:
    tenant_id, endpoint_id, position = row.key
    event_id, attempt = row.values
    endpoint = EndpointKey(tenant_id, endpoint_id)
    return Claim(endpoint, position, event_id, attempt, row.lease_version, event)
