"""Messages of a conversation: dense numbers, newest or oldest first."""

from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, delete, func, or_, select, update

from koine.model.conversation import SenderKind
from koine.model.filters import MessageFilter
from koine.model.message import Message
from koine.model.page import Page, Window
from koine.model.view import LastSenders
from koine.store import windows
from koine.store.db import Tx, Work
from koine.store.fragments import in_list, values_table
from koine.store.sender_names import display_name
from koine.store.sql import Command, Family, InsertMany, Query, p
from koine.store.tables import conversations, identities
from koine.store.tables import messages as t
from koine.store.types import Uuid

_OWN = [name for name in Message.__struct_fields__ if not name.startswith("sender_")]
_OWN[4:4] = ["sender_id", "sender_kind"]  # after public_seq
_SENDER: list[ColumnElement[object]] = [
    display_name(identities),
    identities.c.email,
    identities.c.avatar_url,
    identities.c.role,
    identities.c.number,
]
COLUMNS: list[ColumnElement[object]] = [*(t.c[name] for name in _OWN), *_SENDER]
_SENDER_ROW = and_(identities.c.tenant_id == t.c.tenant_id, identities.c.id == t.c.sender_id)
_IN_CONVERSATION = and_(
    t.c.tenant_id == p("tenant_id"), t.c.conversation_id == p("conversation_id")
)

_GIVEN = [name for name in _OWN if name != "number"]
_INSERT = InsertMany(t, ["tenant_id", *_GIVEN], numbered="number")
_given = attrgetter(*_GIVEN)
_BY_ID = Query(
    select(*COLUMNS).outerjoin(identities, _SENDER_ROW).where(_IN_CONVERSATION, t.c.id == p("id")),
    Message,
)
_WITH_KEY = Query(select(t.c.seq).where(_IN_CONVERSATION, t.c.client_key == p("client_key")), int)
_HAS_FROM = Query(
    select(t.c.seq).where(_IN_CONVERSATION, t.c.sender_kind == p("sender_kind")).limit(1), int
)
_BY_SEQ = Query(
    select(*COLUMNS)
    .outerjoin(identities, _SENDER_ROW)
    .where(_IN_CONVERSATION, t.c.seq == p("seq")),
    Message,
)
_OF_TENANT_AT = Query(
    select(*COLUMNS)
    .outerjoin(identities, _SENDER_ROW)
    .where(
        t.c.tenant_id == p("of_tenant_id"),
        t.c.conversation_id == p("conversation_id"),
        t.c.seq == p("seq"),
    ),
    Message,
    crosses_tenants="a batch of sends is of many tenants; the caller names the tenant itself",
)
_wanted = values_table("wanted", {"conversation_id": Uuid(), "seq": t.c.seq.type})
_LATEST = Query(
    select(*COLUMNS)
    .join_from(
        _wanted,
        t,
        (t.c.tenant_id == p("tenant_id"))
        & (t.c.conversation_id == _wanted.c.conversation_id)
        & (t.c.seq == _wanted.c.seq),
    )
    .outerjoin(identities, _SENDER_ROW),
    Message,
)
_OF_CONVERSATIONS = Query(
    select(*COLUMNS)
    .outerjoin(identities, _SENDER_ROW)
    .where(
        t.c.tenant_id == p("tenant_id"),
        in_list(t.c.conversation_id, "conversation_ids"),
        t.c.private.is_(False),
    )
    .order_by(t.c.conversation_id, t.c.seq),
    Message,
)
_NEWEST_OF_TYPE = Query(
    select(*COLUMNS)
    .outerjoin(identities, _SENDER_ROW)
    .where(_IN_CONVERSATION, t.c.content_type == p("content_type"))
    .order_by(t.c.seq.desc())
    .limit(1),
    Message,
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
        conversations.c.tenant_id == p("tenant_id"), in_list(conversations.c.id, "conversation_ids")
    )
)
_CHANGE = Command(
    update(t)
    .where(_IN_CONVERSATION, t.c.id == p("id"))
    .values(content_attributes=p("new_content_attributes"), updated_at=p("now"))
)
_DELETE_OF = Command(delete(t).where(_IN_CONVERSATION))
_MOVE_SENDER = Command(
    update(t)
    .where(_IN_CONVERSATION, t.c.sender_id == p("old_sender_id"))
    .values(sender_id=p("new_sender_id"))
)


def insert_many(rows: list[tuple[str, Message]]) -> Work:
    """The work of adding messages, each with its tenant's id; it answers their numbers. The one
    function by which a message comes to be: `engine.posting` alone calls it, holding the
    conversations' locks."""
    return _INSERT, [(tenant_id, *_given(message)) for tenant_id, message in rows]


async def get(tx: Tx, conversation_id: str, message_id: str) -> Message | None:
    """The message of this conversation with this id."""
    return await tx.one(_BY_ID, conversation_id=conversation_id, id=message_id)


async def by_seq(tx: Tx, conversation_id: str, seq: int) -> Message | None:
    """The message of this conversation with this number."""
    return await tx.one(_BY_SEQ, conversation_id=conversation_id, seq=seq)


async def has_key(tx: Tx, conversation_id: str, client_key: str) -> bool:
    """Whether a message of this conversation was made under this key."""
    return (
        await tx.one(_WITH_KEY, conversation_id=conversation_id, client_key=client_key) is not None
    )


async def has_from(tx: Tx, conversation_id: str, sender_kind: SenderKind) -> bool:
    """Whether a message of this conversation was sent by such a sender."""
    found = await tx.one(_HAS_FROM, conversation_id=conversation_id, sender_kind=sender_kind)
    return found is not None


async def newest_of_type(tx: Tx, conversation_id: str, content_type: str) -> Message | None:
    """The newest message of this conversation with this content type."""
    return await tx.one(_NEWEST_OF_TYPE, conversation_id=conversation_id, content_type=content_type)


async def of_tenant_at(tx: Tx, tenant_id: str, conversation_id: str, seq: int) -> list[Message]:
    """As `by_seq`, for a batch whose transaction is no single tenant's."""
    key = {"of_tenant_id": tenant_id, "conversation_id": conversation_id, "seq": seq}
    return await tx.all(_OF_TENANT_AT, **key)


async def at_marks(tx: Tx, marks: list[tuple[str, int]]) -> dict[str, Message]:
    """The message at each (conversation id, seq), by conversation."""
    return {m.conversation_id: m for m in await tx.all(_LATEST, wanted=marks)}


async def at(tx: Tx, places: list[tuple[str, int]]) -> dict[tuple[str, int], Message]:
    """The messages at these (conversation id, seq), as many of them as there are."""
    found = await tx.all(_LATEST, wanted=places)
    return {(m.conversation_id, m.seq): m for m in found}


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


async def page(tx: Tx, conversation_id: str, f: MessageFilter, window: Window) -> Page[Message]:
    """One page, without total. A cursor is the caller's to turn into `before_seq` or `after_seq`:
    numbers are dense, so `window.cursor` is not looked at."""
    if window.too_deep:
        return Page(items=[])
    names, values = _conditions(f)
    query = _PAGES.of(names | windows.names(window))
    rows = await tx.all(query, **values, **windows.values(window), conversation_id=conversation_id)
    items = rows[: window.limit]
    more = len(rows) > window.limit
    return Page(items=items, next=(items[-1].seq, items[-1].id) if more else None)


async def count(tx: Tx, conversation_id: str, f: MessageFilter) -> int:
    """How many messages `f` finds, by counting; the totals without time bounds are on the
    conversation (`last_seq`, `public_count`)."""
    names, values = _conditions(f)
    rows = await tx.all(_COUNTS.of(names), **values, conversation_id=conversation_id)
    return int(rows[0][0])


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


async def give_to(tx: Tx, conversation_id: str, old_sender_id: str, new_sender_id: str) -> None:
    """What one identity said in a conversation becomes another's (contacts that merge)."""
    await tx.run(
        _MOVE_SENDER,
        conversation_id=conversation_id,
        old_sender_id=old_sender_id,
        new_sender_id=new_sender_id,
    )


async def delete_of(tx: Tx, conversation_id: str) -> int:
    """Take every message of the conversation away for good; answers how many."""
    return await tx.run(_DELETE_OF, conversation_id=conversation_id)


def join_at(
    listed: Select[Any], conversation_id: ColumnElement[str], seq: ColumnElement[int]
) -> Select[Any]:
    """A select with the message at a place of each row's conversation put after its columns."""
    at = and_(
        t.c.tenant_id == p("tenant_id"), t.c.conversation_id == conversation_id, t.c.seq == seq
    )
    return listed.add_columns(*COLUMNS).outerjoin(t, at).outerjoin(identities, _SENDER_ROW)


def _conditions(f: MessageFilter) -> tuple[frozenset[str], dict[str, object]]:
    names = {n for n in ("with_private", "said_only", "oldest_first") if getattr(f, n)}
    values: dict[str, object] = {}
    for name in ("start", "end", "before_seq", "after_seq"):
        if getattr(f, name) is not None:
            names.add(name)
            values[name] = getattr(f, name)
    return frozenset(names), values


def _where(names: frozenset[str]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [_IN_CONVERSATION]
    if "with_private" not in names:
        found.append(t.c.private.is_(False))
    if "said_only" in names:
        found.append(or_(t.c.sender_kind != "system", t.c.type == "template"))
    if "start" in names:
        found.append(t.c.created_at >= p("start"))
    if "end" in names:
        found.append(t.c.created_at <= p("end"))
    if "before_seq" in names:
        found.append(t.c.seq < p("before_seq"))
    if "after_seq" in names:
        found.append(t.c.seq > p("after_seq"))
    return found


def _page(names: frozenset[str]) -> Select[*tuple[Any, ...]]:
    order = t.c.seq.asc() if "oldest_first" in names else t.c.seq.desc()
    found = select(*COLUMNS).outerjoin(identities, _SENDER_ROW).where(*_where(names))
    return windows.cut(found.order_by(order), names)


def _count(names: frozenset[str]) -> Select[int]:
    return select(func.count()).select_from(t).where(*_where(names))


_FILTERS = ("with_private", "said_only", "start", "end", "before_seq", "after_seq")
_PAGES = Family(_page, Message, filters=(*_FILTERS, *windows.NAMES, "oldest_first"))
_COUNTS = Family(_count, filters=(*_FILTERS, "oldest_first"))
