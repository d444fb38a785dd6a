"""A tenant with something of everything, and all of its rows."""

from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from koine.engine.archive.exporting import ExportOptions, export_tenant
from koine.engine.archive.import_plan import ImportOptions
from koine.engine.archive.importing import ImportReport, import_tenant
from koine.engine.auth import sessions
from koine.engine.conversations import conversations, files, messages, tickets
from koine.engine.core.engine import Engine, open_engine
from koine.engine.core.recorder import record_audit
from koine.engine.retention import holds, rules
from koine.engine.retention.rules import PeriodChanges
from koine.engine.webhooks import endpoints
from koine.engine.webhooks.endpoints import NewEndpoint
from koine.kit.clock import FakeClock
from koine.kit.json import json_text
from koine.model.actor import operator
from koine.model.conversation import NewConversation
from koine.model.message import Draft
from koine.model.webhook import Attempt
from koine.server.webhook_formats import webhook_formats
from koine.store.archive.columns import TABLES
from koine.store.core.db import Database, Tx
from koine.store.core.statements import Query, param
from koine.store.events import events, reader_events
from koine.store.webhooks import delivery_queue
from koine.store.webhooks.delivery_queue import QueuedDelivery
from tests.cast import PASSWORD, Cast, make_settings

PASSPHRASE = "correct horse battery"
SEALED = ExportOptions(passphrase=PASSPHRASE)
PLAIN = ExportOptions(with_secrets=True)
"""Faster than SEALED: a passphrase takes a third of a second of a core, on purpose."""
UPLOAD = b"the bytes of an upload \x00\xff" * 1000
EVERYTHING = [
    Query(select(table).where(table.c.tenant_id == param("tenant_id")))
    for table in (each.table for each in TABLES)
]


class Bytes:
    """An upload from memory."""

    def __init__(self, body: bytes) -> None:
        self.name, self.content_type, self._rest = "a.bin", "application/octet-stream", body

    async def read(self, size: int = -1) -> bytes:
        chunk, self._rest = self._rest[:size], self._rest[size:]
        return chunk


async def fill(cast: Cast) -> str:
    """Let Acme have a row in every table; returns the id of its conversation."""
    engine, acme = cast.engine, cast.acme
    admin = operator(acme.tenant.id)
    await sessions.set_password(engine, admin, acme.id("ada"), PASSWORD)
    await sessions.log_in(engine, acme.people["ada"].email or "", PASSWORD, acme.tenant.id)
    new = NewConversation(
        title="Größe", inbox_id=acme.inbox.id, owner_id=acme.id("carol"),
        delivery_id=None, participants=((acme.id("dan"), "member"),),
    )  # fmt: skip
    conversation = await conversations.create(engine, admin, new)
    saved = await files.save(engine, acme.tenant.id, conversation.id, Bytes(UPLOAD))
    first = await messages.send(
        engine, admin, conversation.id, Draft(content="hello", sender_id=acme.id("ada"))
    )
    await messages.send(
        engine,
        admin,
        conversation.id,
        Draft(
            type="file", content_url=f"/files/{saved.key}/a.bin", attachments=json_text([saved]),
            sender_id=acme.id("alice"), parent_id=first.id, client_key="once",
        ),
    )  # fmt: skip
    await tickets.open_(engine, admin, conversation.id)
    made = await endpoints.create(
        engine, admin, NewEndpoint(
            dialect="native", url="https://hooks.test/", kinds=("message.created",),
            headers={"X-Token": "very secret"},
        )
    )  # fmt: skip
    await rules.change(engine, admin, PeriodChanges(messages=365))
    await holds.place(engine, admin, "conversation", conversation.id, "case 4711")
    await engine.db.write(acme.tenant.id, _rows, made.endpoint.id, conversation.id, acme.id("dan"))
    return conversation.id


async def _rows(tx: Tx, endpoint_id: str, conversation_id: str, member: str) -> None:
    """Rows that only background work writes, or requests with an Idempotency-Key."""
    last = (await events.log_snapshot(tx)).last
    for position, state in ((last - 1, "delivered"), (last, "pending")):
        await delivery_queue.enqueue(
            tx,
            [
                QueuedDelivery(
                    tx.tenant_id, endpoint_id, position, f"evt_{position}", "message.created",
                    conversation_id, state, 0, 5, 0, 1, 1, "req-1",
                )
            ],
        )  # fmt: skip
    attempt = Attempt(
        endpoint_id, last - 1, 1, 1, "https://hooks.test/", "{}", "b", 200, None, None, None, 5
    )
    await tx.many(delivery_queue._INSERT_ATTEMPTS, [(tx.tenant_id, *_values(attempt))])
    await reader_events.save_members(tx, conversation_id, [member], 1)
    await record_audit(tx, 1, operator(tx.tenant_id), "test", "user", member, other=member)


def _values(struct: Any) -> tuple[Any, ...]:
    return tuple(getattr(struct, name) for name in struct.__struct_fields__)


async def all_rows(db: Database, tenant_id: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of the tenant, by the names of tables and columns, in the order of their keys."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table, query in zip(TABLES, EVERYTHING, strict=True):
        names = [column.name for column in table.table.columns]
        rows = [dict(zip(names, row, strict=True)) for row in await db.read(tenant_id, _all, query)]
        keys = [column.name for column in table.table.primary_key.columns]
        found[table.name] = sorted(rows, key=partial(_sortable, keys))
    return found


def _sortable(keys: list[str], row: dict[str, Any]) -> list[str]:
    return [str(row[key]).zfill(40) for key in keys]


async def _all(tx: Tx, query: Query[Any]) -> list[Any]:
    return await tx.all(query)


async def other_server(db: Database, folder: Path, **settings: object) -> Engine:
    """The engine of another server, with another key."""
    given = {
        "data_dir": str(folder),
        "secret_key": "another key of another server that is long enough",
    }
    loaded = make_settings(**given | settings)
    return await open_engine(db, FakeClock(), loaded, webhook_formats(loaded.public_url()))


async def move(
    cast: Cast, target: Engine, path: Path, export: ExportOptions = PLAIN, **given: Any
) -> ImportReport:
    """Export Acme to `path`, and import it on another server."""
    await export_tenant(cast.engine, operator(cast.acme.tenant.id), path, export)
    options = ImportOptions(passphrase=export.passphrase, **given)
    return await import_tenant(target, path, options)
