"""The statements of a batch of sends: what is read before, and what is written.

One select locks the conversations of the batch in the order of their ids, one reads everything that
the engine decides by, and two round trips write the result: as many as a single message needs.
"""

from msgspec import Struct
from msgspec.structs import astuple, replace
from sqlalchemy import BigInteger, Text, and_, select, update

from koine.kit.times import MINUTE
from koine.model.conversation import SenderKind, Status
from koine.store.core.db import RowBatch, Tx
from koine.store.core.expressions import values_table
from koine.store.core.row_mapper import RowMapper
from koine.store.core.statements import Command, Query, UpdateMany
from koine.store.core.text_folding import folded_or_none
from koine.store.core.types import Uuid
from koine.store.people.display_names import display_name
from koine.store.tables import conversations as c
from koine.store.tables import identities as i
from koine.store.tables import messages as m
from koine.store.tables import participants as p

SMALL_CONVERSATION = 16
"""With up to so many participants, each message moves the conversation in everyone's list."""
MAX_LIST_DELAY = MINUTE
"""In a larger one, the position in a participant's list may be this old (µs): a message moves the
conversation only where it was not moved for so long. With 100 participants this saves 87 % of a
send."""


class ConversationHead(Struct, frozen=True):
    """The columns of a conversation that a send changes."""

    tenant_id: str
    id: str
    last_seq: int
    public_count: int
    last_public_seq: int
    last_content: str | None
    last_sender_kind: SenderKind | None
    last_message_at: int | None
    previous_content: str | None
    previous_sender_kind: SenderKind | None
    previous_message_at: int | None
    last_activity_at: int
    shown_at_override: int | None
    sort_at_override: int | None
    updated_at: int

    def with_last_seq(self, seq: int) -> "ConversationHead":
        """This head with another `last_seq`."""
        own = astuple(self)[: len(ConversationHead.__struct_fields__)]
        return replace(ConversationHead(*own), last_seq=seq)


class SendContext(ConversationHead, frozen=True):
    """What the engine decides a send by: the head and state of the locked conversation, the
    participant that sends, and its identity."""

    sender_id: str | None
    status: Status
    removed_at: int | None
    participant_count: int
    role: str | None
    left_at: int | None
    sender_name: str | None
    sender_email: str | None
    sender_avatar_url: str | None
    sender_role: str | None
    sender_number: int | None
    sender_blocked: bool | None


class SenderReadMark(Struct, frozen=True):
    """The read mark of a sender, which is its own message. `read_message_id` None: the message
    shown as last read does not change."""

    tenant_id: str
    conversation_id: str
    identity_id: str
    read_message_id: str | None
    read_seq: int
    read_public: int
    last_activity_at: int


_to_lock = values_table("to_lock", {"tenant_id": Uuid(), "conversation_id": Uuid()})
_LOCK = Query(
    select(c.c.id)
    .join_from(
        _to_lock,
        c,
        and_(c.c.tenant_id == _to_lock.c.tenant_id, c.c.id == _to_lock.c.conversation_id),
    )
    .order_by(c.c.id)
    .with_for_update(of=c, key_share=True),
    str,
)
_requested = values_table(
    "requested", {"tenant_id": Uuid(), "conversation_id": Uuid(), "sender_id": Uuid()}
)
_CONTEXT_ROW = RowMapper(
    SendContext,
    c,
    sender_id=_requested.c.sender_id,
    role=p.c.role,
    left_at=p.c.left_at,
    sender_name=display_name(i),
    sender_email=i.c.email,
    sender_avatar_url=i.c.avatar_url,
    sender_role=i.c.role,
    sender_number=i.c.number,
    sender_blocked=i.c.blocked,
)
_CONTEXTS = Query(
    select(*_CONTEXT_ROW.columns)
    .join_from(
        _requested,
        c,
        and_(c.c.tenant_id == _requested.c.tenant_id, c.c.id == _requested.c.conversation_id),
    )
    .outerjoin(
        p,
        and_(
            p.c.tenant_id == c.c.tenant_id,
            p.c.conversation_id == c.c.id,
            p.c.identity_id == _requested.c.sender_id,
        ),
    )
    .outerjoin(i, and_(i.c.tenant_id == c.c.tenant_id, i.c.id == _requested.c.sender_id)),
    _CONTEXT_ROW.into,
)
_keyed = values_table(
    "keyed", {"tenant_id": Uuid(), "conversation_id": Uuid(), "client_key": Text()}
)
_BY_CLIENT_KEY = Query(
    select(m.c.tenant_id, m.c.conversation_id, m.c.client_key, m.c.seq).join_from(
        _keyed,
        m,
        and_(
            m.c.tenant_id == _keyed.c.tenant_id,
            m.c.conversation_id == _keyed.c.conversation_id,
            m.c.client_key == _keyed.c.client_key,
        ),
    )
)
_parents = values_table("parents", {"tenant_id": Uuid(), "conversation_id": Uuid(), "id": Uuid()})
_EXISTING = Query(
    select(m.c.tenant_id, m.c.conversation_id, m.c.id, m.c.private).join_from(
        _parents,
        m,
        and_(
            m.c.tenant_id == _parents.c.tenant_id,
            m.c.id == _parents.c.id,
            m.c.conversation_id == _parents.c.conversation_id,
        ),
    )
)
_HEADS = UpdateMany(
    c, ["tenant_id", "id"], [*ConversationHead.__struct_fields__[2:], "last_content_folded"]
)
_MARKS = UpdateMany(
    p,
    ["tenant_id", "conversation_id", "identity_id"],
    ["read_message_id"],
    greatest=["read_seq", "read_public", "last_activity_at"],
)
_PRIVATE_MARKS = UpdateMany(
    p,
    ["tenant_id", "conversation_id", "identity_id"],
    greatest=["read_seq", "read_public", "last_activity_at"],
)
_moves = values_table(
    "moves",
    {
        "tenant_id": Uuid(),
        "conversation_id": Uuid(),
        "sender_id": Uuid(),
        "at": BigInteger(),
        "before": BigInteger(),
    },
)
_MOVE_IN_LISTS = Command(
    update(p)
    .where(
        p.c.tenant_id == _moves.c.tenant_id,
        p.c.conversation_id == _moves.c.conversation_id,
        p.c.identity_id.is_distinct_from(_moves.c.sender_id),
        p.c.left_at.is_(None),
        p.c.last_activity_at < _moves.c.before,
    )
    .values(last_activity_at=_moves.c.at)
)


async def lock_and_load(tx: Tx, requested: list[tuple[str, str, str | None]]) -> list[SendContext]:
    """Lock the conversations; return the context of each (tenant, conversation, sender) that
    exists.

    Two statements: a row that a statement had to wait for is up to date when it is locked, but what
    is joined to it is as old as the statement, and a participant who just left could still send.
    """
    to_lock = sorted({(tenant_id, conversation_id) for tenant_id, conversation_id, _ in requested})
    await tx.all(_LOCK, to_lock=to_lock)
    return await tx.all(_CONTEXTS, requested=requested)


async def existing_client_keys(
    tx: Tx, keyed: list[tuple[str, str, str]]
) -> dict[tuple[str, str, str], int]:
    """The `seq` of the messages with these (tenant, conversation, client key), if they exist."""
    if not keyed:
        return {}
    return {(row[0], row[1], row[2]): row[3] for row in await tx.all(_BY_CLIENT_KEY, keyed=keyed)}


async def existing_messages(
    tx: Tx, wanted: list[tuple[str, str, str]]
) -> dict[tuple[str, str, str], bool]:
    """Those of these (tenant, conversation, message id) that exist; whether it is a private
    note."""
    if not wanted:
        return {}
    return {(row[0], row[1], row[2]): row[3] for row in await tx.all(_EXISTING, parents=wanted)}


MovedHead = tuple[ConversationHead, int, str | None]
"""The new head of a conversation, the number of its participants, and the last sender."""


def update_heads(moved: list[MovedHead]) -> RowBatch:
    """The command and the rows that write the heads."""
    return _HEADS, [(*astuple(head), folded_or_none(head.last_content)) for head, _, _ in moved]


async def move_in_lists(tx: Tx, moved: list[MovedHead]) -> None:
    """Move each conversation in its participants' lists."""
    moves = [
        (h.tenant_id, h.id, sender, h.last_activity_at, _stale(h.last_activity_at, count))
        for h, count, sender in moved
    ]
    await tx.run(_MOVE_IN_LISTS, moves=moves)


def update_read_marks(marks: list[SenderReadMark]) -> tuple[RowBatch, RowBatch]:
    """The commands and the rows that write the read marks of senders."""
    with_message = [astuple(mark) for mark in marks if mark.read_message_id is not None]
    others = [
        (m.tenant_id, m.conversation_id, m.identity_id, m.read_seq, m.read_public,
         m.last_activity_at)
        for m in marks if m.read_message_id is None
    ]  # fmt: skip
    return (_MARKS, with_message), (_PRIVATE_MARKS, others)


def _stale(at: int, participants: int) -> int:
    return at if participants <= SMALL_CONVERSATION else at - MAX_LIST_DELAY
