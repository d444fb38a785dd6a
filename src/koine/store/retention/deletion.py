"""Delete the oldest messages of conversations, and what else holds their text."""

from msgspec import Struct
from sqlalchemy import BigInteger, and_, delete, func, or_, select, tuple_, update

from koine.model.conversation import Conversation
from koine.store.conversations.conversations import COLUMNS
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list, values_table
from koine.store.core.statements import Command, Query, UpdateMany, param
from koine.store.core.types import Uuid
from koine.store.tables import (
    conversations,
    events,
    webhook_attempts,
    webhook_deliveries,
)
from koine.store.tables import messages as m

_a, _d, _e = webhook_attempts.c, webhook_deliveries.c, events.c
_NEVER = (1 << 63) - 1
_LOCK = Query(
    select(*COLUMNS)
    .where(conversations.c.tenant_id == param("tenant_id"), in_list(conversations.c.id, "ids"))
    .order_by(conversations.c.id)
    .with_for_update(key_share=True),
    Conversation,
)


class DeletedMessage(Struct, frozen=True):
    """What is left to know of a message that was deleted."""

    conversation_id: str
    seq: int
    public_seq: int


_ranges = values_table("ranges", {"conversation_id": Uuid(), "until_seq": BigInteger()})
_old = m.alias("old")
# One statement for all conversations of a batch: one for each would be as many round trips.
_DELETE = Query(
    delete(m)
    .where(
        m.c.tenant_id == param("tenant_id"),
        tuple_(m.c.conversation_id, m.c.seq).in_(
            select(_old.c.conversation_id, _old.c.seq).join_from(
                _ranges,
                _old,
                and_(
                    _old.c.tenant_id == param("tenant_id"),
                    _old.c.conversation_id == _ranges.c.conversation_id,
                    _old.c.seq <= _ranges.c.until_seq,
                ),
            )
        ),
    )
    .returning(m.c.conversation_id, m.c.seq, m.c.public_seq),
    DeletedMessage,
)
_HEADS = UpdateMany(
    conversations,
    ["tenant_id", "id"],
    [
        "deleted_seq", "deleted_public", "last_content", "last_content_folded", "last_sender_kind",
        "last_message_at", "previous_content", "previous_sender_kind", "previous_message_at",
    ],
)  # fmt: skip
_DELETE_EVENTS = Command(
    delete(events).where(
        _e.tenant_id == param("tenant_id"),
        _e.position.in_(
            select(_e.position).join_from(
                _ranges,
                events,
                and_(
                    _e.tenant_id == param("tenant_id"),
                    _e.conversation_id == _ranges.c.conversation_id,
                    _e.conversation_id.is_not(None),
                    _e.kind.in_(("message.created", "message.updated")),
                    _e.seq <= _ranges.c.until_seq,
                ),
            )
        ),
    )
)
_HAS_DELIVERIES = Query(select(_d.position).where(_d.tenant_id == param("tenant_id")).limit(1), int)
_SECOND_LEFT = (
    select(m.c.created_at)
    .where(
        m.c.tenant_id == param("tenant_id"),
        m.c.conversation_id == _ranges.c.conversation_id,
        m.c.seq > _ranges.c.until_seq,
        m.c.private.is_(False),
    )
    .order_by(m.c.seq)
    .limit(1)
    .offset(1)
    .scalar_subquery()
)
# A body has the message of its event, and the two newest public ones as previews: those that were
# built after the second message that is left have none that was deleted.
_ERASE_ATTEMPTS = Command(
    update(webhook_attempts)
    .where(
        _a.tenant_id == param("tenant_id"),
        tuple_(_a.endpoint_id, _a.position).in_(
            select(_d.endpoint_id, _d.position).join_from(
                _ranges,
                webhook_deliveries,
                and_(
                    _d.tenant_id == param("tenant_id"),
                    _d.conversation_id == _ranges.c.conversation_id,
                    _d.conversation_id.is_not(None),
                    _d.event_at <= func.coalesce(_SECOND_LEFT, _NEVER),
                ),
            )
        ),
        or_(_a.body.is_not(None), _a.response_body.is_not(None), _a.response_headers.is_not(None)),
    )
    .values(body=None, response_body=None, response_headers=None)
)


async def lock(tx: Tx, ids: list[str]) -> list[Conversation]:
    """Those of these conversations that exist, in the order of ids; their rows are locked, also
    against sends, until the transaction ends."""
    return await tx.all(_LOCK, ids=ids)


async def delete_messages(tx: Tx, ranges: list[tuple[str, int]]) -> list[DeletedMessage]:
    """Delete the messages of each (locked conversation, up to this `seq`)."""
    return await tx.all(_DELETE, ranges=ranges)


async def save_heads(tx: Tx, changed: list[tuple[Conversation, str | None]]) -> None:
    """Write how many messages were deleted, and the previews; each conversation comes with the
    folded text of its preview."""
    rows = [
        (
            tx.tenant_id, c.id, c.deleted_seq, c.deleted_public, c.last_content, folded,
            c.last_sender_kind, c.last_message_at, c.previous_content, c.previous_sender_kind,
            c.previous_message_at,
        )
        for c, folded in changed
    ]  # fmt: skip
    await tx.many(_HEADS, rows)


async def delete_events(tx: Tx, ranges: list[tuple[str, int]]) -> None:
    """Delete the events of the messages of each (conversation, up to this `seq`)."""
    await tx.run(_DELETE_EVENTS, ranges=ranges)


async def erase_attempts(tx: Tx, ranges: list[tuple[str, int]]) -> None:
    """Delete the bodies of webhook attempts that may have the text of the messages of each
    (conversation, up to this `seq`), which are deleted already."""
    if await tx.one(_HAS_DELIVERIES) is not None:
        await tx.run(_ERASE_ATTEMPTS, ranges=ranges)
