"""The log of deliveries and their attempts: pages of it, and deleting what is old."""

from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, delete, func, select, tuple_, update

from koine.model.page import Page, Window
from koine.model.webhook import Attempt, DeliveryState, EndpointKey, WebhookDelivery
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.statements import Command, Query, StatementVariants, param
from koine.store.retention.rules import KEEPS_DELIVERIES
from koine.store.tables import webhook_attempts as attempt_rows
from koine.store.tables import webhook_deliveries as t
from koine.store.tables import webhook_endpoints
from koine.store.tables.base import columns_of
from koine.store.tenants import SUSPENDED

_ALL_TENANTS = "old deliveries are deleted for all tenants at once"
_COLUMNS = columns_of(t, WebhookDelivery)
_OF_ENDPOINT = (t.c.tenant_id == param("tenant_id"), t.c.endpoint_id == param("endpoint_id"))
_OF_CONVERSATION = (
    t.c.tenant_id == param("tenant_id"),
    t.c.conversation_id == param("conversation_id"),
)
DELETED = "the conversation was deleted"


class _Variant(Struct, frozen=True, kw_only=True):
    """Which conditions a list of deliveries has."""

    states: bool = False
    kinds: bool = False
    since: bool = False
    until: bool = False
    request_id: bool = False


class _PageVariant(_Variant, frozen=True, kw_only=True):
    """Which conditions a page of deliveries has."""

    before: bool = False


def _where(v: _Variant) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [*_OF_ENDPOINT]
    if v.states:
        where.append(in_list(t.c.state, "states"))
    if v.kinds:
        where.append(in_list(t.c.kind, "kinds"))
    if v.since:
        where.append(t.c.event_at >= param("since"))
    if v.until:
        where.append(t.c.event_at < param("until"))
    if v.request_id:
        where.append(t.c.request_id == param("request_id"))
    return where


def _page(v: _PageVariant) -> Query[WebhookDelivery]:
    where = [*_where(v), t.c.position < param("before")] if v.before else _where(v)
    listed = select(*_COLUMNS).where(*where).order_by(t.c.position.desc())
    return Query(listed.limit(param("limit")).offset(param("offset")), WebhookDelivery)


def _count(v: _Variant) -> Query[int]:
    return Query(select(func.count()).select_from(t).where(*_where(v)), int)


_PAGES = StatementVariants(_page, _PageVariant)
_COUNTS = StatementVariants(_count, _Variant)
_BY_EVENT = Query(
    select(*_COLUMNS).where(*_OF_ENDPOINT, t.c.event_id == param("event_id")), WebhookDelivery
)
_ATTEMPTS = Query(
    select(*columns_of(attempt_rows, Attempt))
    .where(
        attempt_rows.c.tenant_id == param("tenant_id"),
        attempt_rows.c.endpoint_id == param("endpoint_id"),
        attempt_rows.c.position == param("position"),
    )
    .order_by(attempt_rows.c.number.desc())
    .limit(param("limit")),
    Attempt,
)
_PENDING = Query(
    select(func.count(), func.min(t.c.created_at))
    .join_from(
        t,
        webhook_endpoints,
        and_(
            webhook_endpoints.c.tenant_id == t.c.tenant_id,
            webhook_endpoints.c.id == t.c.endpoint_id,
        ),
    )
    .where(
        t.c.state == "pending",
        webhook_endpoints.c.status == "active",
        t.c.tenant_id.not_in(SUSPENDED),
    ),
    crosses_tenants="an operator's figure",
)
_CANCEL = Command(
    update(t)
    .where(*_OF_CONVERSATION, t.c.state == "pending")
    .values(
        state="cancelled",
        error=DELETED,
        lease_version=t.c.lease_version + 1,
        finished_at=param("now"),
    )
)
_ERASE = Command(
    update(attempt_rows)
    .where(
        attempt_rows.c.tenant_id == param("tenant_id"),
        tuple_(attempt_rows.c.endpoint_id, attempt_rows.c.position).in_(
            select(t.c.endpoint_id, t.c.position).where(*_OF_CONVERSATION)
        ),
    )
    .values(body=None, response_body=None, response_headers=None)
)
_OLDEST = (
    select(t.c.created_at)
    .where(
        t.c.tenant_id == webhook_endpoints.c.tenant_id, t.c.endpoint_id == webhook_endpoints.c.id
    )
    .order_by(t.c.position)
    .limit(1)
    .scalar_subquery()
)
_WITH_OLD = Query(
    select(webhook_endpoints.c.tenant_id, webhook_endpoints.c.id).where(
        param("time") > _OLDEST,
        webhook_endpoints.c.tenant_id.not_in(SUSPENDED),
        webhook_endpoints.c.tenant_id.not_in(KEEPS_DELIVERIES),
    ),
    crosses_tenants=_ALL_TENANTS,
)
_OLD = Query(
    select(t.c.position, t.c.created_at)
    .where(*_OF_ENDPOINT)
    .order_by(t.c.position)
    .limit(param("limit"))
)
_DELETE_UP_TO = (
    Command(
        delete(attempt_rows).where(
            and_(
                attempt_rows.c.tenant_id == param("tenant_id"),
                attempt_rows.c.endpoint_id == param("endpoint_id"),
            ),
            attempt_rows.c.position <= param("position"),
        )
    ),
    Command(delete(t).where(*_OF_ENDPOINT, t.c.position <= param("position"))),
)


async def find_page(
    tx: Tx,
    endpoint_id: str,
    window: Window,
    *,
    states: tuple[DeliveryState, ...] = (),
    kinds: tuple[str, ...] = (),
    since: int | None = None,
    until: int | None = None,
    request_id: str | None = None,
    with_total: bool = False,
) -> Page[WebhookDelivery]:
    """A page of an endpoint's deliveries, newest event first, of events from `since` until before
    `until` (µs), and of one request."""
    given: dict[str, Any] = {"states": states, "kinds": kinds, "since": since, "until": until}
    given["request_id"] = request_id
    values = {name: value for name, value in given.items() if value not in ((), None)}
    values |= {name: list(values[name]) for name in ("states", "kinds") if name in values}
    conditions = dict.fromkeys(values, True)
    total = None
    if with_total:
        counted = _COUNTS.of(_Variant(**conditions))
        total = await tx.one(counted, endpoint_id=endpoint_id, **values)
    if window.cursor is not None:
        values["before"] = window.cursor[0]
    listed = _PAGES.of(_PageVariant(**conditions, before=window.cursor is not None))
    rows = await tx.all(
        listed, endpoint_id=endpoint_id, **values, limit=window.limit + 1, offset=window.offset
    )
    items = rows[: window.limit]
    more = len(rows) > window.limit
    return Page(items=items, total=total, next=(items[-1].position, endpoint_id) if more else None)


async def get(tx: Tx, endpoint_id: str, event_id: str) -> WebhookDelivery | None:
    """The delivery of an event to an endpoint."""
    return await tx.one(_BY_EVENT, endpoint_id=endpoint_id, event_id=event_id)


async def attempts(tx: Tx, delivery: WebhookDelivery, limit: int) -> list[Attempt]:
    """The attempts of a delivery, newest first."""
    where = {"endpoint_id": delivery.endpoint_id, "position": delivery.position}
    return await tx.all(_ATTEMPTS, **where, limit=limit)


async def pending_count(tx: Tx) -> tuple[int, int | None]:
    """How many deliveries of all tenants are pending, and when the oldest was enqueued (µs),
    without those of disabled endpoints and of suspended tenants."""
    found = await tx.one(_PENDING)
    return (found[0], found[1]) if found else (0, None)


async def cancel_and_erase(tx: Tx, conversation_id: str, now: int) -> None:
    """Cancel the deliveries of a deleted conversation, and erase the bodies and responses of the
    attempts already made (helpdesk.md, S)."""
    await tx.run(_CANCEL, conversation_id=conversation_id, now=now)
    await tx.run(_ERASE, conversation_id=conversation_id)


async def delete_some(tx: Tx, endpoint_id: str, limit: int) -> bool:
    """Delete the oldest `limit` deliveries of an endpoint; returns whether there may be more."""
    oldest = await tx.all(_OLD, endpoint_id=endpoint_id, limit=limit)
    if oldest:
        for delete_rows in _DELETE_UP_TO:
            await tx.run(delete_rows, endpoint_id=endpoint_id, position=oldest[-1][0])
    return len(oldest) == limit


async def endpoints_with_deliveries_before(tx: Tx, time: int) -> list[EndpointKey]:
    """The endpoints whose oldest delivery was enqueued before `time` (µs), of all tenants that have
    no period of their own, and are not suspended: then deliveries wait for the tenant to be
    resumed."""
    return [EndpointKey(*row) for row in await tx.all(_WITH_OLD, time=time)]


async def delete_before(tx: Tx, endpoint_id: str, time: int, limit: int) -> bool:
    """Delete at most `limit` of an endpoint's deliveries enqueued before `time` (µs); returns
    whether there may be more."""
    return await delete_oldest(tx, endpoint_id, time, limit) == limit


async def delete_oldest(tx: Tx, endpoint_id: str, time: int, limit: int) -> int:
    """As `delete_before`; returns how many were deleted."""
    oldest = await tx.all(_OLD, endpoint_id=endpoint_id, limit=limit)
    old_count = next(
        (i for i, (_, created_at) in enumerate(oldest) if created_at >= time), len(oldest)
    )
    if old_count:
        for delete_rows in _DELETE_UP_TO:
            await tx.run(delete_rows, endpoint_id=endpoint_id, position=oldest[old_count - 1][0])
    return old_count
