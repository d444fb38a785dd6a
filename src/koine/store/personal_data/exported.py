"""What the export of a person reads beside its profile and messages."""

from msgspec import Struct
from sqlalchemy import or_, select

from koine.model.audit import AuditEntry
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.statements import Query, param
from koine.store.tables import (
    api_keys,
    audit,
    contact_inboxes,
    deliveries,
    inboxes,
    sessions,
    tickets,
)
from koine.store.tables.base import columns_of

MOST = 10_000
"""Rows of each kind in an export at most, but for conversations and messages, which have no
bound."""


class ExportedSession(Struct, frozen=True):
    """A login of the person. Times are µs."""

    created_at: int
    expires_at: int
    revoked_at: int | None


class ExportedKey(Struct, frozen=True):
    """An API key that acts as the person; its secret is not stored."""

    name: str
    prefix: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None


class ExportedContactInbox(Struct, frozen=True):
    """Where the person wrote from, and what its client said of it (`given`, JSON text). The tokens
    are credentials and no part of it."""

    inbox: str
    created_at: int
    proved_identifier: str | None
    given: str | None


class ExportedDelivery(Struct, frozen=True):
    """A delivery to or by the person."""

    id: str
    external_reference_id: str | None
    status: str
    customer_id: str
    driver_id: str | None
    created_at: int
    updated_at: int


class ExportedTicket(Struct, frozen=True):
    """A ticket that the person is the customer or the assignee of."""

    conversation_id: str
    kind: str
    status: str
    created_at: int
    completed_at: int | None


_SESSIONS = Query(
    select(*columns_of(sessions, ExportedSession))
    .where(sessions.c.tenant_id == param("tenant_id"), in_list(sessions.c.user_id, "ids"))
    .order_by(sessions.c.created_at)
    .limit(MOST),
    ExportedSession,
)
_KEYS = Query(
    select(*columns_of(api_keys, ExportedKey))
    .where(api_keys.c.tenant_id == param("tenant_id"), in_list(api_keys.c.user_id, "ids"))
    .order_by(api_keys.c.created_at)
    .limit(MOST),
    ExportedKey,
)
_PLACES = Query(
    select(
        inboxes.c.name,
        contact_inboxes.c.created_at,
        contact_inboxes.c.proved_identifier,
        contact_inboxes.c.given,
    )
    .join_from(
        contact_inboxes,
        inboxes,
        (inboxes.c.tenant_id == contact_inboxes.c.tenant_id)
        & (inboxes.c.id == contact_inboxes.c.inbox_id),
    )
    .where(
        contact_inboxes.c.tenant_id == param("tenant_id"),
        in_list(contact_inboxes.c.contact_id, "ids"),
    )
    .order_by(contact_inboxes.c.created_at)
    .limit(MOST),
    ExportedContactInbox,
)
_DELIVERIES = Query(
    select(*columns_of(deliveries, ExportedDelivery))
    .where(
        deliveries.c.tenant_id == param("tenant_id"),
        or_(in_list(deliveries.c.customer_id, "ids"), in_list(deliveries.c.driver_id, "ids")),
    )
    .order_by(deliveries.c.created_at, deliveries.c.id)
    .limit(MOST),
    ExportedDelivery,
)
_TICKETS = Query(
    select(*columns_of(tickets, ExportedTicket))
    .where(
        tickets.c.tenant_id == param("tenant_id"),
        or_(in_list(tickets.c.customer_id, "ids"), in_list(tickets.c.assignee_id, "ids")),
    )
    .order_by(tickets.c.created_at)
    .limit(MOST),
    ExportedTicket,
)
_ENTRIES = Query(
    select(*columns_of(audit, AuditEntry))
    .where(
        audit.c.tenant_id == param("tenant_id"),
        or_(in_list(audit.c.noun_id, "ids"), in_list(audit.c.actor_id, "ids")),
    )
    .order_by(audit.c.created_at, audit.c.id)
    .limit(MOST),
    AuditEntry,
)


async def sessions_of(tx: Tx, ids: list[str]) -> list[ExportedSession]:
    """The logins of these people, as far as they are still stored."""
    return await tx.all(_SESSIONS, ids=ids)


async def keys_of(tx: Tx, ids: list[str]) -> list[ExportedKey]:
    """The API keys that act as these people."""
    return await tx.all(_KEYS, ids=ids)


async def contact_inboxes_of(tx: Tx, ids: list[str]) -> list[ExportedContactInbox]:
    """Where these contacts wrote from."""
    return await tx.all(_PLACES, ids=ids)


async def deliveries_of(tx: Tx, ids: list[str]) -> list[ExportedDelivery]:
    """The deliveries whose customer or driver is one of these people."""
    return await tx.all(_DELIVERIES, ids=ids)


async def tickets_of(tx: Tx, ids: list[str]) -> list[ExportedTicket]:
    """The tickets whose customer or assignee is one of these people."""
    return await tx.all(_TICKETS, ids=ids)


async def entries_of(tx: Tx, ids: list[str]) -> list[AuditEntry]:
    """The entries of the audit log about these people or by them, oldest first."""
    return await tx.all(_ENTRIES, ids=ids)
