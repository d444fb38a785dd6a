"""The facts and audit entries a verb leaves behind, in its own transaction."""

import msgspec

from koine.kit.ids import new_id
from koine.model.actor import Actor
from koine.model.audit import AuditEntry
from koine.model.event import Audience, Event, EventKind
from koine.store import audit, events
from koine.store.db import Tx


async def record(
    tx: Tx,
    now: int,
    kind: EventKind,
    subject_id: str,
    *,
    conversation_id: str | None = None,
    audience: Audience = "everyone",
    seq: int | None = None,
    **body: object,
) -> None:
    """Write one event; `body` is what a reader needs beside the ids."""
    text = msgspec.json.encode(body).decode()
    await events.append(tx, Event(kind, audience, conversation_id, subject_id, seq, text, now))


async def note(
    tx: Tx, now: int, actor: Actor, action: str, noun: str, noun_id: str, **detail: object
) -> None:
    """Write who did what to which thing; `detail` never holds a secret."""
    await audit.append(
        tx,
        AuditEntry(
            id=new_id(),
            actor_kind=actor.kind,
            actor_id=actor.key_id or actor.identity_id,
            action=action,
            noun=noun,
            noun_id=noun_id,
            detail=msgspec.json.encode(detail).decode(),
            created_at=now,
        ),
    )
