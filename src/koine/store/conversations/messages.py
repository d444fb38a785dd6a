"""The messages of conversations."""

from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, delete, select, update

from koine.model.conversation import SenderKind
from koine.model.message import Message
from koine.model.related import LastSenders
from koine.store.core.db import RowBatch, Tx
from koine.store.core.expressions import in_list, values_table
from koine.store.core.row_mapper import RowMapper
from koine.store.core.statements import Command, InsertMany, Query, param
from koine.store.core.types import Uuid
from koine.store.people.display_names import display_name
from koine.store.tables import conversations, identities
from koine.store.tables import messages as t

ROW = RowMapper(
    Message,
    t,
    sender_name=display_name(identities),
    sender_email=identities.c.email,
    sender_avatar_url=identities.c.avatar_url,
    sender_role=identities.c.role,
    sender_number=identities.c.number,
)
"""A message with its sender, of messages that are joined to their senders' identities."""
SENDER_ROW = and_(identities.c.tenant_id == t.c.tenant_id, identities.c.id == t.c.sender_id)
"""The identity that sent a message."""
_IN_CONVERSATION = and_(
    t.c.tenant_id == param("tenant_id"), t.c.conversation_id == param("conversation_id")
)

_GIVEN = [name for name in Message.__struct_fields__ if name in t.c and name != "number"]
_INSERT = InsertMany(t, ["tenant_id", *_GIVEN], numbered="number")
_given = attrgetter(*_GIVEN)
_BY_ID = Query(
    select(*ROW.columns)
    .outerjoin(identities, SENDER_ROW)
    .where(_IN_CONVERSATION, t.c.id == param("id")),
    ROW.into,
)
_WITH_KEY = Query(
    select(t.c.seq).where(_IN_CONVERSATION, t.c.client_key == param("client_key")), int
)
_HAS_FROM = Query(
    select(t.c.seq).where(_IN_CONVERSATION, t.c.sender_kind == param("sender_kind")).limit(1), int
)
_BY_SEQ = Query(
    select(*ROW.columns)
    .outerjoin(identities, SENDER_ROW)
    .where(_IN_CONVERSATION, t.c.seq == param("seq")),
    ROW.into,
)
_OF_TENANT_AT = Query(
    select(*ROW.columns)
    .outerjoin(identities, SENDER_ROW)
    .where(
        t.c.tenant_id == param("of_tenant_id"),
        t.c.conversation_id == param("conversation_id"),
        t.c.seq == param("seq"),
    ),
    ROW.into,
    crosses_tenants="a batch of sends is of many tenants; the caller names the tenant itself",
)
_wanted = values_table("wanted", {"conversation_id": Uuid(), "seq": t.c.seq.type})
_BY_SEQS = Query(
    select(*ROW.columns)
    .join_from(
        _wanted,
        t,
        (t.c.tenant_id == param("tenant_id"))
        & (t.c.conversation_id == _wanted.c.conversation_id)
        & (t.c.seq == _wanted.c.seq),
    )
    .outerjoin(identities, SENDER_ROW),
    ROW.into,
)
_OF_CONVERSATIONS = Query(
    select(*ROW.columns)
    .outerjoin(identities, SENDER_ROW)
    .where(
        t.c.tenant_id == param("tenant_id"),
        in_list(t.c.conversation_id, "conversation_ids"),
        t.c.private.is_(False),
    )
    .order_by(t.c.conversation_id, t.c.seq),
    ROW.into,
)
_NEWEST_OF_TYPE = Query(
    select(*ROW.columns)
    .outerjoin(identities, SENDER_ROW)
    .where(_IN_CONVERSATION, t.c.content_type == param("content_type"))
    .order_by(t.c.seq.desc())
    .limit(1),
    ROW.into,
)


def _sender_before(skipped: int) -> ScalarSelect[str]:
    """Who sent the newest public message of the conversation but for the `skipped` newest."""
    newest = (
        select(t.c.sender_id)
        .where(
            t.c.tenant_id == conversations.c.tenant_id,
            t.c.conversation_id == conversations.c.id,
            t.c.private.is_(False),
        )
        .order_by(t.c.seq.desc())
    )
    return newest.limit(1).offset(skipped).scalar_subquery()


_LAST_SENDERS = Query(
    select(conversations.c.id, _sender_before(0), _sender_before(1)).where(
        conversations.c.tenant_id == param("tenant_id"),
        in_list(conversations.c.id, "conversation_ids"),
    )
)
_CHANGE = Command(
    update(t)
    .where(_IN_CONVERSATION, t.c.id == param("id"))
    .values(content_attributes=param("new_content_attributes"), updated_at=param("now"))
)
_DELETE_OF = Command(delete(t).where(_IN_CONVERSATION))
_MOVE_SENDER = Command(
    update(t)
    .where(_IN_CONVERSATION, t.c.sender_id == param("old_sender_id"))
    .values(sender_id=param("new_sender_id"))
)


def insert_many(rows: list[tuple[str, Message]]) -> RowBatch:
    """The command and the rows that insert messages, each with its tenant's id; it returns the
    `number` of each. Nothing else inserts messages, and only `engine/sending/send.py` calls it,
    with the conversations locked."""
    return _INSERT, [(tenant_id, *_given(message)) for tenant_id, message in rows]


async def get(tx: Tx, conversation_id: str, message_id: str) -> Message | None:
    """The message of this conversation with this id."""
    return await tx.one(_BY_ID, conversation_id=conversation_id, id=message_id)


async def get_by_seq(tx: Tx, conversation_id: str, seq: int) -> Message | None:
    """The message of this conversation with this `seq`."""
    return await tx.one(_BY_SEQ, conversation_id=conversation_id, seq=seq)


async def has_key(tx: Tx, conversation_id: str, client_key: str) -> bool:
    """Whether the conversation has a message with this client key."""
    return (
        await tx.one(_WITH_KEY, conversation_id=conversation_id, client_key=client_key) is not None
    )


async def has_from(tx: Tx, conversation_id: str, sender_kind: SenderKind) -> bool:
    """Whether the conversation has a message of this kind of sender."""
    found = await tx.one(_HAS_FROM, conversation_id=conversation_id, sender_kind=sender_kind)
    return found is not None


async def newest_of_type(tx: Tx, conversation_id: str, content_type: str) -> Message | None:
    """The newest message of this conversation with this content type."""
    return await tx.one(_NEWEST_OF_TYPE, conversation_id=conversation_id, content_type=content_type)


async def of_tenant_at(tx: Tx, tenant_id: str, conversation_id: str, seq: int) -> list[Message]:
    """As `get_by_seq`, in a transaction that crosses tenants."""
    key = {"of_tenant_id": tenant_id, "conversation_id": conversation_id, "seq": seq}
    return await tx.all(_OF_TENANT_AT, **key)


async def get_by_seqs(tx: Tx, keys: list[tuple[str, int]]) -> dict[tuple[str, int], Message]:
    """The messages with these (conversation id, seq), without those that do not exist."""
    return {(m.conversation_id, m.seq): m for m in await tx.all(_BY_SEQS, wanted=keys)}


async def public_of(tx: Tx, conversation_ids: list[str]) -> dict[str, list[Message]]:
    """Every public message of these conversations, oldest first, by conversation."""
    found: dict[str, list[Message]] = {each: [] for each in conversation_ids}
    for message in await tx.all(_OF_CONVERSATIONS, conversation_ids=conversation_ids):
        found[message.conversation_id].append(message)
    return found


async def last_senders(tx: Tx, conversation_ids: list[str]) -> dict[str, LastSenders]:
    """Who sent the newest public message and the one before it, by conversation."""
    rows = await tx.all(_LAST_SENDERS, conversation_ids=conversation_ids)
    return {conversation_id: (last, previous) for conversation_id, last, previous in rows}


async def set_content_attributes(
    tx: Tx, message: Message, content_attributes: str, now: int
) -> None:
    """Replace the message's content attributes (JSON text)."""
    await tx.run(
        _CHANGE,
        conversation_id=message.conversation_id,
        id=message.id,
        new_content_attributes=content_attributes,
        now=now,
    )


async def reassign(tx: Tx, conversation_id: str, old_sender_id: str, new_sender_id: str) -> None:
    """Make another identity the sender of the messages of `old_sender_id` (merging contacts)."""
    await tx.run(
        _MOVE_SENDER,
        conversation_id=conversation_id,
        old_sender_id=old_sender_id,
        new_sender_id=new_sender_id,
    )


async def delete_of(tx: Tx, conversation_id: str) -> int:
    """Delete every message of the conversation; returns how many."""
    return await tx.run(_DELETE_OF, conversation_id=conversation_id)


def join_at(
    listed: Select[Any], conversation_id: ColumnElement[str], seq: ColumnElement[int]
) -> Select[Any]:
    """Join a select that has the columns of `ROW` to the message with this `seq` of each row's
    conversation."""
    at = and_(
        t.c.tenant_id == param("tenant_id"), t.c.conversation_id == conversation_id, t.c.seq == seq
    )
    return listed.outerjoin(t, at).outerjoin(identities, SENDER_ROW)
