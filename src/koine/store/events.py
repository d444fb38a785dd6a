"""The event log: every change writes its fact in its own transaction; readers find it later."""

from msgspec.structs import astuple

from koine.model.event import Event
from koine.store.db import Tx, Work
from koine.store.sql import InsertMany
from koine.store.tables import events

_FIELDS = list(Event.__struct_fields__)
_INSERT = InsertMany(events, ["tenant_id", *_FIELDS])


async def append(tx: Tx, *new: Event) -> None:
    """Write the facts of the transaction's own tenant."""
    await tx.many(*append_many([(tx.tenant_id, event) for event in new]))


def append_many(rows: list[tuple[str, Event]]) -> Work:
    """The work of writing facts, each with its tenant's id."""
    return _INSERT, [(tenant_id, *astuple(event)) for tenant_id, event in rows]
