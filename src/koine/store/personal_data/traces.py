"""What an erasure deletes beside people and conversations: bodies in the log of webhooks, responses
stored under idempotency keys, and details in the audit log."""

from msgspec import Struct
from sqlalchemy import or_, select, tuple_, update

from koine.store.core.db import Tx
from koine.store.core.expressions import in_list, values_table
from koine.store.core.statements import Command, Query, UpdateMany, param
from koine.store.core.types import Uuid
from koine.store.tables import (
    audit,
    events,
    idempotency_keys,
    webhook_attempts,
    webhook_deliveries,
)

_a, _d, _k = webhook_attempts.c, webhook_deliveries.c, idempotency_keys.c
_HAS_BODY = or_(
    _a.body.is_not(None), _a.response_body.is_not(None), _a.response_headers.is_not(None)
)
_NOTHING = {"body": None, "response_body": None, "response_headers": None}
_OF_CONVERSATION = Command(
    update(webhook_attempts)
    .where(
        _a.tenant_id == param("tenant_id"),
        tuple_(_a.endpoint_id, _a.position).in_(
            select(_d.endpoint_id, _d.position).where(
                _d.tenant_id == param("tenant_id"),
                _d.conversation_id == param("conversation_id"),
            )
        ),
        _HAS_BODY,
    )
    .values(_NOTHING)
)
_FORGET_REQUESTS_OF = (
    Command(
        update(events)
        .where(
            events.c.tenant_id == param("tenant_id"),
            events.c.conversation_id == param("conversation_id"),
            events.c.request_id.is_not(None),
        )
        .values(request_id=None)
    ),
    Command(
        update(webhook_deliveries)
        .where(
            _d.tenant_id == param("tenant_id"),
            _d.conversation_id == param("conversation_id"),
            _d.request_id.is_not(None),
        )
        .values(request_id=None)
    ),
)
_CLEAR_REQUEST_IDS = Command(
    update(events)
    .where(
        events.c.tenant_id == param("tenant_id"),
        in_list(events.c.subject_id, "ids"),
        events.c.conversation_id.is_(None),
        events.c.request_id.is_not(None),
    )
    .values(request_id=None)
)
_WITHOUT_CONVERSATION = Query(
    select(_d.endpoint_id, _d.position)
    .where(
        _d.tenant_id == param("tenant_id"),
        _d.conversation_id.is_(None),
        tuple_(_d.endpoint_id, _d.position)
        > tuple_(param("after_id", _d.endpoint_id.type), param("after_position", _d.position.type)),
    )
    .order_by(_d.endpoint_id, _d.position)
    .limit(param("limit"))
)
_these = values_table("these", {"endpoint_id": Uuid(), "position": _d.position.type})
_OF_DELIVERIES = Command(
    update(webhook_attempts)
    .where(
        _a.tenant_id == param("tenant_id"),
        _a.endpoint_id == _these.c.endpoint_id,
        _a.position == _these.c.position,
        _HAS_BODY,
    )
    .values(_NOTHING)
)
_FORGET_REQUESTS_OF_DELIVERIES = Command(
    update(webhook_deliveries)
    .where(
        _d.tenant_id == param("tenant_id"),
        _d.endpoint_id == _these.c.endpoint_id,
        _d.position == _these.c.position,
    )
    .values(request_id=None)
)
_STORED = Query(
    select(_k.key_digest, _k.headers)
    .where(
        _k.tenant_id == param("tenant_id"),
        _k.status.is_not(None),
        _k.headers.is_not(None),
        _k.claimed_at <= param("until"),
    )
    .limit(param("limit"))
)
_REPLACE = UpdateMany(idempotency_keys, ["tenant_id", "key_digest"], ["headers", "content"])
_ABOUT = Query(
    select(
        audit.c.id,
        audit.c.noun_id,
        audit.c.actor_id,
        audit.c.detail,
        audit.c.address,
        audit.c.request_id,
    )
    .where(
        audit.c.tenant_id == param("tenant_id"),
        or_(
            in_list(audit.c.noun_id, "ids"),
            in_list(audit.c.actor_id, "ids"),
            audit.c.detail.like(param("pattern")),
        ),
        audit.c.id > param("after"),
    )
    .order_by(audit.c.id)
    .limit(param("limit"))
)
_SET_DETAIL = UpdateMany(audit, ["tenant_id", "id"], ["detail", "address", "request_id"])


class AuditDetail(Struct, frozen=True):
    """An entry of the audit log: what it is about and by whom, its details (JSON text), and the
    address and id of its request."""

    id: str
    noun_id: str
    actor_id: str | None
    detail: str
    address: str | None
    request_id: str | None


async def erase_attempts_of(tx: Tx, conversation_id: str) -> int:
    """Delete the bodies of the attempts to deliver events of this conversation, and the request ids
    of both, which clients may choose; returns how many attempts had a body."""
    for forget in _FORGET_REQUESTS_OF:
        await tx.run(forget, conversation_id=conversation_id)
    return await tx.run(_OF_CONVERSATION, conversation_id=conversation_id)


async def deliveries_without_conversation(
    tx: Tx, after: tuple[str, int], limit: int
) -> list[tuple[str, int]]:
    """The (endpoint id, position) of the deliveries of events about no conversation, in order."""
    rows = await tx.all(
        _WITHOUT_CONVERSATION, after_id=after[0], after_position=after[1], limit=limit
    )
    return [(row[0], row[1]) for row in rows]


async def erase_attempts(tx: Tx, deliveries: list[tuple[str, int]]) -> int:
    """As `erase_attempts_of`, for the attempts of these (endpoint id, position)."""
    await tx.run(_FORGET_REQUESTS_OF_DELIVERIES, these=deliveries)
    return await tx.run(_OF_DELIVERIES, these=deliveries)


async def clear_request_ids(tx: Tx, ids: list[str]) -> int:
    """Delete the request ids of the events about these people that are of no conversation."""
    return await tx.run(_CLEAR_REQUEST_IDS, ids=ids)


async def stored_responses(tx: Tx, until: int, limit: int) -> list[tuple[str, str]]:
    """The key digests and headers (JSON text) of complete responses to requests from up to a time
    (µs)."""
    rows = await tx.all(_STORED, until=until, limit=limit)
    return [(row[0], row[1]) for row in rows]


async def replace_responses(tx: Tx, contents: list[tuple[str, bytes]]) -> None:
    """Replace stored responses by what names what their requests created, each after the digest of
    its key."""
    rows = [(tx.tenant_id, digest, None, content) for digest, content in sorted(contents)]
    await tx.many(_REPLACE, rows)


async def entries_about(
    tx: Tx, ids: list[str], pattern: str, after: str, limit: int
) -> list[AuditDetail]:
    """The entries of the audit log after `after`, in the order of ids, that are about one of these
    ids, by one of them, or whose detail matches the LIKE pattern."""
    rows = await tx.all(_ABOUT, ids=ids, pattern=pattern, after=after, limit=limit)
    return [AuditDetail(*row) for row in rows]


async def set_details(tx: Tx, entries: list[AuditDetail]) -> None:
    """Replace the details, addresses and request ids of entries."""
    rows = [
        (tx.tenant_id, each.id, each.detail, each.address, each.request_id)
        for each in sorted(entries, key=lambda entry: entry.id)
    ]
    await tx.many(_SET_DETAIL, rows)
