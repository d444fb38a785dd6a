"""What an export or erasure of a person reads and changes in conversations."""

from msgspec import Struct
from sqlalchemy import and_, or_, select, union_all, update

from koine.model.personal_data import ERASED_ATTRIBUTES
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.statements import Command, Query, param
from koine.store.tables import conversations, events, files, participants
from koine.store.tables import messages as t

_c, _p = conversations.c, participants.c
_IN_TENANT = t.c.tenant_id == param("tenant_id")
_IN_CONVERSATION = and_(_IN_TENANT, t.c.conversation_id == param("conversation_id"))
ANSWERS = "submitted_values"
"""The content attribute of a form or survey with what a person filled in."""


class SentMessage(Struct, frozen=True):
    """What an erasure needs of a message; `attachments` is JSON text."""

    id: str
    seq: int
    private: bool
    attachments: str | None


class Answered(Struct, frozen=True):
    """A form or survey of another sender that was filled in."""

    id: str
    seq: int
    content_attributes: str


# Four selects, as present and former participations, and conversations that are removed and not,
# have an index each.
_INVOLVED = (
    *(
        select(_p.conversation_id.label("id")).where(
            _p.tenant_id == param("tenant_id"),
            in_list(_p.identity_id, "ids"),
            part,
            _p.conversation_id > param("after"),
        )
        for part in (_p.left_at.is_(None), _p.left_at.is_not(None))
    ),
    *(
        select(_c.id).where(
            _c.tenant_id == param("tenant_id"),
            in_list(_c.owner_id, "ids"),
            _c.owner_id.is_not(None),
            part,
            _c.id > param("after"),
        )
        for part in (_c.removed_at.is_(None), _c.removed_at.is_not(None))
    ),
)
_found = union_all(*_INVOLVED).subquery("found")
_CONVERSATIONS = Query(
    select(_found.c.id).distinct().order_by(_found.c.id).limit(param("limit")),
    str,
)
_PAGE = Query(
    select(_c.id)
    .where(_c.tenant_id == param("tenant_id"), _c.id > param("after"))
    .order_by(_c.id)
    .limit(param("limit")),
    str,
)
_AMONG = Query(
    union_all(
        select(_p.conversation_id).where(
            _p.tenant_id == param("tenant_id"),
            in_list(_p.conversation_id, "conversation_ids"),
            in_list(_p.identity_id, "ids"),
        ),
        select(_c.id).where(
            _c.tenant_id == param("tenant_id"),
            in_list(_c.id, "conversation_ids"),
            in_list(_c.owner_id, "ids"),
        ),
        select(t.c.conversation_id)
        .where(
            _IN_TENANT,
            in_list(t.c.conversation_id, "conversation_ids"),
            in_list(t.c.sender_id, "ids"),
        )
        .distinct(),
    ),
    str,
)
_SENT = Query(
    select(t.c.id, t.c.seq, t.c.private, t.c.attachments)
    .where(
        _IN_CONVERSATION,
        in_list(t.c.sender_id, "ids"),
        t.c.seq > param("after_seq"),
        or_(
            t.c.content_attributes != ERASED_ATTRIBUTES,
            *(
                t.c[name].is_not(None)
                for name in ("content", "content_url", "metadata", "client_key", "attachments")
            ),
        ),
    )
    .order_by(t.c.seq)
    .limit(param("limit")),
    SentMessage,
)
_EMPTY = Command(
    update(t)
    .where(_IN_CONVERSATION, in_list(t.c.seq, "seqs"))
    .values(
        type="text",
        content=None,
        content_url=None,
        content_type="text",
        content_attributes=ERASED_ATTRIBUTES,
        metadata=None,
        client_key=None,
        attachments=None,
        updated_at=param("now"),
    )
)
_ANSWERED = Query(
    select(t.c.id, t.c.seq, t.c.content_attributes)
    .where(
        _IN_CONVERSATION,
        t.c.seq > param("after_seq"),
        t.c.content_attributes.like(f"%{ANSWERS}%"),
    )
    .order_by(t.c.seq)
    .limit(param("limit")),
    Answered,
)
_NEWEST = Query(
    select(t.c.content)
    .where(_IN_CONVERSATION, t.c.private.is_(False))
    .order_by(t.c.seq.desc())
    .limit(2)
)
_ATTACHMENTS = Query(
    select(t.c.attachments).where(_IN_CONVERSATION, t.c.attachments.is_not(None)), str
)
_FILES = Query(
    select(files.c.id).where(
        files.c.tenant_id == param("tenant_id"),
        files.c.conversation_id == param("conversation_id"),
        files.c.created_at < param("before"),
    ),
    str,
)
_EMPTY_EVENTS = Command(
    update(events)
    .where(
        events.c.tenant_id == param("tenant_id"),
        events.c.conversation_id == param("conversation_id"),
        events.c.kind == "message.created",
        events.c.body != "{}",
        in_list(events.c.subject_id, "subject_ids"),
    )
    .values(body="{}")
)


async def conversations_of(tx: Tx, ids: list[str], after: str, limit: int) -> list[str]:
    """The ids after `after`, in order, of conversations that one of these people owns, or takes or
    took part in."""
    return await tx.all(_CONVERSATIONS, ids=ids, after=after, limit=limit)


async def page_of_all(tx: Tx, after: str, limit: int) -> list[str]:
    """The ids after `after`, in order, of all conversations of the tenant."""
    return await tx.all(_PAGE, after=after, limit=limit)


async def involving(tx: Tx, conversation_ids: list[str], ids: list[str]) -> set[str]:
    """Those of these conversations that one of these people owns, takes or took part in, or has
    written in. Reads every message of them: for `read_long`."""
    return set(await tx.all(_AMONG, conversation_ids=conversation_ids, ids=ids))


async def sent(
    tx: Tx, conversation_id: str, ids: list[str], after_seq: int, limit: int
) -> list[SentMessage]:
    """The messages of these people that are not erased, after a `seq`, in order."""
    where = {"conversation_id": conversation_id, "after_seq": after_seq}
    return await tx.all(_SENT, **where, ids=ids, limit=limit)


async def empty(tx: Tx, conversation_id: str, seqs: list[int], now: int) -> int:
    """Empty these messages; their sender, number and times stay. Returns how many."""
    return await tx.run(_EMPTY, conversation_id=conversation_id, seqs=seqs, now=now)


async def answered(tx: Tx, conversation_id: str, after_seq: int, limit: int) -> list[Answered]:
    """The forms and surveys that were filled in, after a `seq`, in order."""
    return await tx.all(
        _ANSWERED, conversation_id=conversation_id, after_seq=after_seq, limit=limit
    )


async def newest_contents(tx: Tx, conversation_id: str) -> tuple[str | None, str | None]:
    """The texts of the two newest public messages, the newest first."""
    found = [row[0] for row in await tx.all(_NEWEST, conversation_id=conversation_id)]
    newest, previous = (*found, None, None)[:2]
    return newest, previous


async def attachments_of(tx: Tx, conversation_id: str) -> list[str]:
    """The attachments (JSON text) of every message that has some."""
    return await tx.all(_ATTACHMENTS, conversation_id=conversation_id)


async def file_ids(tx: Tx, conversation_id: str, before: int) -> list[str]:
    """The files of the conversation that were stored before a time (µs), sent or not."""
    return await tx.all(_FILES, conversation_id=conversation_id, before=before)


async def empty_events(tx: Tx, conversation_id: str, message_ids: list[str]) -> int:
    """Empty the bodies of the events that these messages were created; returns how many had one."""
    return await tx.run(_EMPTY_EVENTS, conversation_id=conversation_id, subject_ids=message_ids)
