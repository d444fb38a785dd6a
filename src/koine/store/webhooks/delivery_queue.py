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
from koine.store.tables import webhook_attempts as tries
from koine.store.tables import webhook_deliveries as t
from koine.store.tables.base import columns_of
from koine.store.webhooks.endpoints import TENANT_ENDPOINT_COLUMNS

_EVERY = "the senders of a server serve all its tenants"
MAX_LEASE = MINUTE
"""µs: what is due later than in so long is not under way."""


class QueuedDelivery(Struct, frozen=True):
    """A row to put in line."""

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


_INSERT = InsertMany(
    t, list(QueuedDelivery.__struct_fields__), on_conflict=["tenant_id", "endpoint_id", "position"]
)
_AGAIN = values_table(
    "again", {"tenant_id": Uuid(), "endpoint_id": Uuid(), "position": BigInteger()}
)
_REPLAY = Command(
    update(t)
    .where(
        t.c.tenant_id == _AGAIN.c.tenant_id,
        t.c.endpoint_id == _AGAIN.c.endpoint_id,
        t.c.position == _AGAIN.c.position,
        # What is under way, or soon to be, is left alone.
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
# The least of a column that an index has: one look at it, whatever the planner believes.
_FIRST_DUE = (
    select(func.min(t.c.due_at))
    .where(
        t.c.tenant_id == webhook_endpoints.c.tenant_id,
        t.c.endpoint_id == webhook_endpoints.c.id,
        t.c.state == "pending",
    )
    .scalar_subquery()
)
_READY = Query(
    select(*TENANT_ENDPOINT_COLUMNS).where(
        webhook_endpoints.c.status == "active",
        or_(
            webhook_endpoints.c.open_until.is_(None), webhook_endpoints.c.open_until <= param("now")
        ),
        param("now") >= _FIRST_DUE,
    ),
    TenantEndpoint,
    crosses_tenants=_EVERY,
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
    crosses_tenants=_EVERY,
)
_PROBE = Command(
    update(webhook_endpoints)
    .where(
        webhook_endpoints.c.tenant_id == param("tenant_id"),
        webhook_endpoints.c.id == param("endpoint_id"),
        or_(
            webhook_endpoints.c.open_until.is_(None), webhook_endpoints.c.open_until <= param("now")
        ),
    )
    .values(open_until=param("until"))
)
_LOG = InsertMany(
    tries,
    ["tenant_id", *Attempt.__struct_fields__],
    on_conflict=["tenant_id", "endpoint_id", "position", "number"],
)
_NEVER = values_table(
    "never",
    {
        "tenant_id": Uuid(),
        "endpoint_id": Uuid(),
        "position": BigInteger(),
        "lease_version": BigInteger(),
    },
)
_DROP = Command(
    delete(t).where(
        tuple_(t.c.tenant_id, t.c.endpoint_id, t.c.position, t.c.lease_version).in_(
            select(
                _NEVER.c.tenant_id, _NEVER.c.endpoint_id, _NEVER.c.position, _NEVER.c.lease_version
            )
        )
    ),
    crosses_tenants=_EVERY,
)
_MADE = values_table(
    "made",
    {"tenant_id": Uuid(), "endpoint_id": Uuid(), "position": BigInteger(), "number": BigInteger()},
)
_UNWRITE = Command(
    delete(tries).where(
        tuple_(tries.c.tenant_id, tries.c.endpoint_id, tries.c.position, tries.c.number).in_(
            select(_MADE.c.tenant_id, _MADE.c.endpoint_id, _MADE.c.position, _MADE.c.number)
        ),
        ~exists().where(
            t.c.tenant_id == tries.c.tenant_id,
            t.c.endpoint_id == tries.c.endpoint_id,
            t.c.position == tries.c.position,
            t.c.state != "cancelled",
        ),
    ),
    crosses_tenants=_EVERY,
)
_INBOXES = Query(
    select(conversations.c.id, conversations.c.inbox_id).where(
        conversations.c.tenant_id == param("tenant_id"), in_list(conversations.c.id, "ids")
    )
)


async def enqueue(tx: Tx, due: list[QueuedDelivery]) -> None:
    """Put deliveries in line; those that were ever in line stay as they are."""
    await tx.many(_INSERT, [astuple(each) for each in due])


async def requeue(tx: Tx, due: list[QueuedDelivery], now: int) -> int:
    """Put them in line whether they were or not; answers how many had been and begin anew, those
    among them that would have waited for long."""
    places = [(each.tenant_id, each.endpoint_id, each.position) for each in due]
    soon = now + MAX_LEASE
    known = await tx.run(_REPLAY, again=places, now=now, soon=soon) if places else 0
    await enqueue(tx, due)
    return known


async def inbox_ids(tx: Tx, tenant_id: str, conversation_ids: list[str]) -> dict[str, str | None]:
    """Which inbox each of these conversations is in."""
    return dict(await tx.all(_INBOXES, tenant_id=tenant_id, ids=conversation_ids))


async def due_endpoints(tx: Tx, now: int) -> list[TenantEndpoint]:
    """The endpoints with something due that may be tried now."""
    return await tx.all(_READY, now=now)


async def claim(
    tx: Tx, wanted: list[tuple[EndpointKey, int]], probes: list[EndpointKey], now: int, until: int
) -> list[Claim]:
    """Take up to so many due deliveries of each endpoint, oldest due first, until `until` (µs).

    Of one in `probes`, whose breaker is open, one, unless another node tries it just now.
    """
    for place in probes:
        where = {"tenant_id": place.tenant_id, "endpoint_id": place.endpoint_id}
        if await tx.run(_PROBE, **where, now=now, until=until):
            wanted = [*wanted, (place, 1)]
    queues = [((place.tenant_id, place.endpoint_id), at_most) for place, at_most in wanted]
    claimed = await _QUEUE.claim(tx, queues, now, until)
    positions = sorted({row.key[-1] for row in claimed})
    log = {e.position: e for e in await tx.all(_EVENTS, positions=positions)} if claimed else {}
    return [_as_claim(row, log.get(row.key[-1])) for row in claimed]


async def record_results(tx: Tx, results: list[Result], tried: list[tuple[str, Attempt]]) -> None:
    """Write what became of claims, where the claim still stands, and the tries themselves, each
    with its tenant's id. What was said in a conversation that was deleted while a try was under
    way is not kept, nor is anything for an endpoint that was removed."""
    await tx.execute_together(
        (_QUEUE.settle, [_settled(each) for each in results]),
        (_LOG, [(tenant_id, *astuple(each)) for tenant_id, each in tried]),
    )
    # After the deliveries are locked: whoever deletes now sees the tries that are left.
    if made := [(tenant_id, a.endpoint_id, a.position, a.number) for tenant_id, a in tried]:
        await tx.run(_UNWRITE, made=made)


async def discard(tx: Tx, claims: list[Claim]) -> None:
    """Take deliveries out of line as if they had never been: they were not for their endpoint."""
    never = [
        (c.endpoint.tenant_id, c.endpoint.endpoint_id, c.position, c.lease_version) for c in claims
    ]
    await tx.run(_DROP, never=never)


def _settled(r: Result) -> tuple[Any, ...]:
    where = (r.endpoint.tenant_id, r.endpoint.endpoint_id, r.position, r.lease_version)
    return (*where, r.state, r.attempt, r.due_at, r.response_status, r.error, r.finished_at)


def _as_claim(row: ClaimedRow, event: LoggedEvent | None) -> Claim:
    tenant_id, endpoint_id, position = row.key
    event_id, attempt = row.values
    endpoint = EndpointKey(tenant_id, endpoint_id)
    return Claim(endpoint, position, event_id, attempt, row.lease_version, event)
