"""Erase what the logs of webhooks and audits, and the stored responses, hold of people."""

import msgspec
from msgspec import structs

from koine.engine.core.engine import Engine
from koine.engine.idempotency import erased_content
from koine.kit.ids import NIL_ID
from koine.kit.json import json_text
from koine.model.event import LoggedEvent
from koine.model.personal_data import ErasureCounts
from koine.store.core.db import Tx
from koine.store.events import events
from koine.store.personal_data import people, traces
from koine.store.personal_data.traces import AuditDetail

_BATCH = 500
KEPT_DETAILS = frozenset({"role", "blocked", "fields", "count", "merged_id", "messages", "erased"})
"""What stays of the details of an audit entry about an erased person: nothing that names it."""
_DROPPED_DETAILS = frozenset({"address", "reason"})
"""What is deleted of the details of entries about other things that the person did."""

Headers = list[tuple[str, str]]


async def erase_traces(engine: Engine, tenant_id: str, ids: list[str]) -> ErasureCounts:
    """Erase them, batch by batch; to be called when conversations and people are erased."""
    return ErasureCounts(
        attempts=await _erase_attempts(engine, tenant_id, ids),
        responses=await _erase_responses(engine, tenant_id),
        entries=await _erase_details(engine, tenant_id, ids),
    )


async def _erase_attempts(engine: Engine, tenant_id: str, ids: list[str]) -> int:
    """Webhooks about the people themselves, which are of no conversation. Where the log of events
    no longer says what a delivery was about, its bodies are deleted too."""
    await engine.db.write(tenant_id, traces.clear_request_ids, ids)
    count, after = 0, (NIL_ID, -1)
    while batch := await engine.db.read_long(
        tenant_id, traces.deliveries_without_conversation, after, _BATCH
    ):
        after = batch[-1]
        known = await engine.db.read(
            tenant_id, events.get_by_positions, sorted({position for _, position in batch})
        )
        of_others = {each.position for each in known if not set(ids) & _named(each)}
        theirs = [each for each in batch if each[1] not in of_others]
        count += await engine.db.write(tenant_id, traces.erase_attempts, theirs)
    return count


def _named(event: LoggedEvent) -> set[str]:
    body = msgspec.json.decode(event.body, type=dict[str, object])
    return {event.subject_id, str(body.get("merged_id"))}


async def _erase_responses(engine: Engine, tenant_id: str) -> int:
    """All responses that are stored: they are encrypted with keys that the server does not have, so
    that it cannot tell whose data is in them. A retry is still not executed twice."""
    count, until = 0, engine.clock.now()
    while batch := await engine.db.read_long(tenant_id, traces.stored_responses, until, _BATCH):
        contents = [
            (digest, erased_content(msgspec.json.decode(headers, type=Headers)))
            for digest, headers in batch
        ]
        await engine.db.write(tenant_id, traces.replace_responses, contents)
        count += len(batch)
    return count


async def _erase_details(engine: Engine, tenant_id: str, ids: list[str]) -> int:
    count = 0
    keys = await engine.db.read(tenant_id, people.key_ids, ids)
    for identity_id in ids:
        after: str | None = NIL_ID
        while after is not None:
            erased, after = await engine.db.write(
                tenant_id, _erase_entries, identity_id, [identity_id, *keys], after
            )
            count += erased
    return count


async def _erase_entries(
    tx: Tx, identity_id: str, ids: list[str], after: str
) -> tuple[int, str | None]:
    found = await traces.entries_about(tx, ids, f"%{identity_id}%", after, _BATCH)
    changed = [kept for each in found if (kept := _kept(each, identity_id, ids)) != each]
    if changed:
        await traces.set_details(tx, changed)
    return len(changed), found[-1].id if len(found) == _BATCH else None


def _kept(entry: AuditDetail, identity_id: str, ids: list[str]) -> AuditDetail:
    """The entry without personal data: as it was, if there is none. Addresses of others stay; that
    of an unknown caller may be the person's."""
    detail = msgspec.json.decode(entry.detail, type=dict[str, object])
    if entry.noun_id == identity_id:
        kept = {name: value for name, value in detail.items() if name in KEPT_DETAILS}
    else:
        kept = {name: value for name, value in detail.items() if name not in _DROPPED_DETAILS}
    others = entry.actor_id is not None and entry.actor_id not in ids
    return structs.replace(
        entry,
        detail=entry.detail if kept == detail else json_text(kept),
        address=entry.address if others else None,
        request_id=entry.request_id if others else None,
    )
