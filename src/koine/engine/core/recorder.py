"""Events and audit entries, written in the transaction of the change that they record."""

from collections.abc import Sequence
from typing import Any

from koine.kit import logs
from koine.kit.ids import new_id
from koine.kit.json import json_text
from koine.model.actor import Actor
from koine.model.audit import AuditEntry
from koine.model.conversation import Conversation
from koine.model.event import Audience, Event, EventKind
from koine.store import audit_log
from koine.store.core.db import Tx
from koine.store.events import events, reader_events


async def record_event(
    tx: Tx,
    now: int,
    kind: EventKind,
    subject_id: str,
    *,
    conversation_id: str | None = None,
    audience: Audience = "everyone",
    seq: int | None = None,
    members: Sequence[str | None] | None = None,
    **body: object,
) -> None:
    """Write one event; `body` is what a reader needs beside the ids.

    `members` are the identities that could see the subject until now, of a subject that is deleted
    or changes hands: they receive the event although they no longer see its subject, and a client
    that was offline still finds it.
    """
    if members is not None:
        body["members"] = members
        await reader_events.save_members(tx, subject_id, [m for m in members if m is not None], now)
    text = json_text(body)
    request_id = logs.request_id()
    await events.append(
        tx, Event(kind, audience, conversation_id, subject_id, seq, text, now, request_id)
    )


async def record_audit(
    tx: Tx, now: int, actor: Actor, action: str, entity: str, entity_id: str, **detail: object
) -> None:
    """Write who did what to which thing, from which address; `detail` never holds a secret."""
    entry = AuditEntry(
        id=new_id(),
        actor_kind=actor.kind,
        actor_id=actor.key_id or actor.identity_id,
        action=action,
        noun=entity,
        noun_id=entity_id,
        detail=json_text(detail),
        created_at=now,
        address=actor.address,
        request_id=logs.request_id(),
    )
    await audit_log.append(tx, entry)


async def record_anonymous_audit(
    tx: Tx,
    now: int,
    action: str,
    entity: str,
    entity_id: str,
    *,
    address: str | None,
    **detail: object,
) -> None:
    """As `record_audit`, for an unknown caller. The code that calls this limits how often."""
    entry = AuditEntry(
        id=new_id(),
        actor_kind=audit_log.ANONYMOUS,
        actor_id=None,
        action=action,
        noun=entity,
        noun_id=entity_id,
        detail=json_text(detail),
        created_at=now,
        address=address,
        request_id=logs.request_id(),
    )
    await audit_log.append(tx, entry)


FREE_TEXT_FIELDS = frozenset({"title", "metadata", "custom_attributes", "labels"})
"""What people wrote. Events only say that it changed, so that a deletion leaves no copy in the log
(helpdesk.md, S)."""
_UNREPORTED_FIELDS = frozenset({"updated_at", "participant_count"})


async def record_change(tx: Tx, now: int, before: Conversation, after: Conversation) -> None:
    """Write the event of a conversation's change: which fields, from what to what.

    Readers load the conversation as it is when they read. Status and assignee right after the
    change are in the event, so that a transition is sent as it was even when another followed. A
    change of status is an event of its own.
    """
    names = Conversation.__struct_fields__
    moved = [
        n for n in names if n not in _UNREPORTED_FIELDS and getattr(before, n) != getattr(after, n)
    ]
    for fields in (
        [name for name in moved if name == "status"],
        [name for name in moved if name != "status"],
    ):
        if fields:
            await record_event(
                tx, now, "conversation.updated", after.id, conversation_id=after.id,
                changed=_values(after, fields),
                previous=_values(before, fields),
                then={"status": after.status, "assignee_id": after.assignee_id},
            )  # fmt: skip


def _values(of: Conversation, fields: list[str]) -> dict[str, Any]:
    return {
        name: None if name in FREE_TEXT_FIELDS else getattr(of, name) for name in sorted(fields)
    }
