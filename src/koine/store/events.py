"""The event log: every change writes its fact in its own transaction; readers find it later."""

from koine.model.event import Event
from koine.store.db import Tx
from koine.store.sql import InsertMany
from koine.store.tables import events

_FIELDS = list(Event.__struct_fields__)
_INSERT = InsertMany(events, ["tenant_id", *_FIELDS])


async def append(tx: Tx, *new: Event) -> None:
    """Write the facts of the transaction's own tenant."""
    await append_many(tx, [(tx.tenant_id, event) for event in new])


async def append_many(tx: Tx, rows: list[tuple[str, Event]]) -> None:
    """Write facts, each with its tenant's id."""
    await tx.many(
        _INSERT,
        [(tenant_id, *(getattr(event, name) for name in _FIELDS)) for tenant_id, event in rows],
    )
