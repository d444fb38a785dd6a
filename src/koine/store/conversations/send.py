"""The statements of a send: what must be known before, and what is written, for many at once.

One select locks the conversations of a whole batch in one order, one brings every fact the engine
decides by, two round trips write what it decided. A batch costs what one message costs.
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
"""Up to so many participants, a message moves the conversation in everyone's list at once."""
MAX_LIST_DELAY = MINUTE
"""In a larger one, a participant's place in its list is at most this old (µs): the first message
after it moves everyone, the next ones move nobody. 87 % of a send's cost at 100 participants."""


class ConversationHead(Struct, frozen=True):
    """What a send changes on its conversation."""

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
    chat_shown_at: int | None
    chat_sort_at: int | None
    updated_at: int

    def with_last_seq(self, seq: int) -> "ConversationHead":
        """The head where nothing but the last number has moved."""
        own = astuple(self)[: len(ConversationHead.__struct_fields__)]
        return replace(ConversationHead(*own), last_seq=seq)


class SendContext(ConversationHead, frozen=True):
    """What a send is decided by: the locked conversation's head and state, the sender's part in it,
    the sender."""

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
    """How far a sender has read: up to its own message. `read_message_id` None: the message shown
    as last read stays."""

    tenant_id: str
    conversation_id: str
    identity_id: str
    read_message_id: str | None
    read_seq: int
    read_public: int
    last_activity_at: int


_places = values_table("places", {"tenant_id": Uuid(), "conversation_id": Uuid()})
_LOCK = Query(
    select(c.c.id)
    .join_from(
        _places, c, and_(c.c.tenant_id == _places.c.tenant_id, c.c.id == _places.c.conversation_id)
    )
    .order_by(c.c.id)
    .with_for_update(of=c, key_share=True),
    str,
)
_asked = values_table(
    "asked", {"tenant_id": Uuid(), "conversation_id": Uuid(), "sender_id": Uuid()}
)
_FACTS_ROW = RowMapper(
    SendContext,
    c,
    sender_id=_asked.c.sender_id,
    role=p.c.role,
    left_at=p.c.left_at,
    sender_name=display_name(i),
    sender_email=i.c.email,
    sender_avatar_url=i.c.avatar_url,
    sender_role=i.c.role,
    sender_number=i.c.number,
    sender_blocked=i.c.blocked,
)
_FACTS = Query(
    select(*_FACTS_ROW.columns)
    .join_from(
        _asked, c, and_(c.c.tenant_id == _asked.c.tenant_id, c.c.id == _asked.c.conversation_id)
    )
    .outerjoin(
        p,
        and_(
            p.c.tenant_id == c.c.tenant_id,
            p.c.conversation_id == c.c.id,
            p.c.identity_id == _asked.c.sender_id,
        ),
    )
    .outerjoin(i, and_(i.c.tenant_id == c.c.tenant_id, i.c.id == _asked.c.sender_id)),
    _FACTS_ROW.into,
)
_keyed = values_table(
    "keyed", {"tenant_id": Uuid(), "conversation_id": Uuid(), "client_key": Text()}
)
_KNOWN = Query(
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
_PARENTS = Query(
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
_bumps = values_table(
    "bumps",
    {
        "tenant_id": Uuid(),
        "conversation_id": Uuid(),
        "sender_id": Uuid(),
        "at": BigInteger(),
        "before": BigInteger(),
    },
)
_BUMP = Command(
    update(p)
    .where(
        p.c.tenant_id == _bumps.c.tenant_id,
        p.c.conversation_id == _bumps.c.conversation_id,
        p.c.identity_id.is_distinct_from(_bumps.c.sender_id),
        p.c.left_at.is_(None),
        p.c.last_activity_at < _bumps.c.before,
    )
    .values(last_activity_at=_bumps.c.at)
)


async def lock_and_load(tx: Tx, asked: list[tuple[str, str, str | None]]) -> list[SendContext]:
    """The facts of each (tenant, conversation, sender) that exists; its conversation is locked.

    Locked first, read then: a row that was waited for is fresh, but what is joined to it is as
    old as the statement, and would let one speak who has just left.
    """
    places = sorted({(tenant_id, conversation_id) for tenant_id, conversation_id, _ in asked})
    await tx.all(_LOCK, places=places)
    return await tx.all(_FACTS, asked=asked)


async def existing_client_keys(
    tx: Tx, keyed: list[tuple[str, str, str]]
) -> dict[tuple[str, str, str], int]:
    """Which (tenant, conversation, client key) have a message already, and its number."""
    if not keyed:
        return {}
    return {(row[0], row[1], row[2]): row[3] for row in await tx.all(_KNOWN, keyed=keyed)}


async def existing_messages(
    tx: Tx, wanted: list[tuple[str, str, str]]
) -> dict[tuple[str, str, str], bool]:
    """Which (tenant, conversation, message id) there are, and whether each is a private note."""
    if not wanted:
        return {}
    return {(row[0], row[1], row[2]): row[3] for row in await tx.all(_PARENTS, parents=wanted)}


MovedHead = tuple[ConversationHead, int, str | None]
"""A conversation's new head, how many take part, and who sent its last message."""


def update_heads(moved: list[MovedHead]) -> RowBatch:
    """The work of writing what the sends changed on their conversations."""
    return _HEADS, [(*astuple(head), folded_or_none(head.last_content)) for head, _, _ in moved]


async def move_in_lists(tx: Tx, moved: list[MovedHead]) -> None:
    """Move each conversation in its participants' lists."""
    bumps = [
        (h.tenant_id, h.id, sender, h.last_activity_at, _stale(h.last_activity_at, count))
        for h, count, sender in moved
    ]
    await tx.run(_BUMP, bumps=bumps)


def update_read_marks(marks: list[SenderReadMark]) -> tuple[RowBatch, RowBatch]:
    """The work of noting that the senders have read what they sent."""
    shown = [astuple(mark) for mark in marks if mark.read_message_id is not None]
    hidden = [
        (m.tenant_id, m.conversation_id, m.identity_id, m.read_seq, m.read_public,
         m.last_activity_at)
        for m in marks if m.read_message_id is None
    ]  # fmt: skip
    return (_MARKS, shown), (_PRIVATE_MARKS, hidden)


def _stale(at: int, participants: int) -> int:
    return at if participants <= SMALL_CONVERSATION else at - MAX_LIST_DELAY
