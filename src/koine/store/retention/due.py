"""What is due: which conversations and messages are older than their periods, read without locks.
The deletion looks again at what may have changed since."""

from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, and_, exists, func, not_, or_, select

from koine.kit.times import DAY
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list, values_table
from koine.store.core.statements import Query, param
from koine.store.core.types import Uuid
from koine.store.retention.holds import holds_conversation
from koine.store.tables import conversations, files
from koine.store.tables import messages as m
from koine.store.tables import retention_rules as r

_c = conversations.c
_OWN_RULES = and_(r.c.tenant_id == _c.tenant_id, r.c.scope_id == _c.inbox_id)
_BOUNDS = (
    _c.tenant_id == param("tenant_id"),
    _c.id > param("after"),
    _c.id <= param("until"),
)


class Due(NamedTuple):
    """A conversation in which something is older than `before` (µs); it has messages from
    `deleted_seq` + 1 to `last_seq`."""

    conversation_id: str
    deleted_seq: int
    last_seq: int
    before: int


class OldFile(NamedTuple):
    """A file of a conversation; `size` in bytes, `created_at` in µs."""

    conversation_id: str | None
    id: str
    key: str
    size: int
    created_at: int


class OldRange(NamedTuple):
    """The messages of a conversation up to `seq` that are to be deleted."""

    conversation_id: str
    seq: int


def _days(kind: str) -> ColumnElement[int]:
    return func.coalesce(r.c[kind], param(f"{kind}_days", BigInteger()), 0)


def _before(kind: str) -> ColumnElement[int]:
    return param("now", BigInteger()) - _days(kind) * DAY


_WINDOW = (
    select(_c.id)
    .where(_c.tenant_id == param("tenant_id"), _c.id > param("after"))
    .order_by(_c.id)
    .limit(param("limit"))
    .subquery("window")
)
_WINDOW_END = Query(
    select(_WINDOW.c.id).order_by(_WINDOW.c.id.desc()).limit(1),
    str,
)
_NEXT_IS_OLD = exists().where(
    m.c.tenant_id == _c.tenant_id,
    m.c.conversation_id == _c.id,
    m.c.seq == _c.deleted_seq + 1,
    m.c.created_at < _before("messages"),
)
_HAS_DUE_MESSAGES = (_days("messages") > 0, _c.last_seq > _c.deleted_seq, _NEXT_IS_OLD)
_NEWEST_IS_NEW = exists().where(
    m.c.tenant_id == _c.tenant_id,
    m.c.conversation_id == _c.id,
    m.c.seq == _c.last_seq,
    m.c.created_at >= _before("conversations"),
)
IS_ENDED = or_(_c.status == "closed", _c.removed_at.is_not(None))
"""Whether a conversation is closed, or was taken out of the lists."""
_IS_DUE = and_(
    _days("conversations") > 0,
    IS_ENDED,
    _c.last_activity_at < _before("conversations"),
    not_(_NEWEST_IS_NEW),
)
_DUE_MESSAGES = Query(
    select(_c.id, _c.deleted_seq, _c.last_seq, _before("messages"))
    .select_from(conversations.outerjoin(r, _OWN_RULES))
    .where(*_BOUNDS, *_HAS_DUE_MESSAGES, not_(holds_conversation()))
    .order_by(_c.id)
    .limit(param("limit")),
    Due,
)
_DUE_CONVERSATIONS = Query(
    select(_c.id, _c.deleted_seq, _c.last_seq, _before("conversations"))
    .select_from(conversations.outerjoin(r, _OWN_RULES))
    .where(*_BOUNDS, _IS_DUE, not_(holds_conversation()))
    .order_by(_c.id)
    .limit(param("limit")),
    Due,
)
_wanted = values_table(
    "wanted",
    {
        "conversation_id": Uuid(),
        "after_seq": BigInteger(),
        "until_seq": BigInteger(),
        "before": BigInteger(),
    },
)
_OLD_UP_TO = Query(
    select(m.c.conversation_id, func.max(m.c.seq))
    .join_from(
        _wanted,
        m,
        and_(
            m.c.tenant_id == param("tenant_id"),
            m.c.conversation_id == _wanted.c.conversation_id,
            m.c.seq > _wanted.c.after_seq,
            m.c.seq <= _wanted.c.until_seq,
            m.c.created_at < _wanted.c.before,
        ),
    )
    .group_by(m.c.conversation_id)
    .order_by(m.c.conversation_id),
    OldRange,
)
_FILE = (files.c.conversation_id, files.c.id, files.c.key, files.c.size, files.c.created_at)
_OLD_FILES_OF = Query(
    select(*_FILE).where(
        files.c.tenant_id == param("tenant_id"),
        in_list(files.c.conversation_id, "conversation_ids"),
        files.c.created_at < param("before"),
    ),
    OldFile,
)
_OLD_FILES = Query(
    select(*_FILE)
    .select_from(
        files.outerjoin(
            conversations,
            and_(_c.tenant_id == files.c.tenant_id, _c.id == files.c.conversation_id),
        )
    )
    .where(
        files.c.tenant_id == param("tenant_id"),
        files.c.id > param("after"),
        files.c.created_at < param("before"),
        not_(holds_conversation()),
    )
    .order_by(files.c.id)
    .limit(param("limit")),
    OldFile,
)
_REFERENCES = Query(
    select(func.coalesce(m.c.attachments, ""), func.coalesce(m.c.content_url, "")).where(
        m.c.tenant_id == param("tenant_id"),
        m.c.conversation_id == param("conversation_id"),
        m.c.seq > param("after_seq"),
        or_(m.c.attachments.is_not(None), m.c.content_url.is_not(None)),
    )
)


async def window_end(tx: Tx, after: str, limit: int) -> str | None:
    """The id of the `limit`-th conversation after `after`, or of the last one; None without one."""
    return await tx.one(_WINDOW_END, after=after, limit=limit)


async def messages_in(tx: Tx, bounds: tuple[str, str], values: dict[str, Any]) -> list[Due]:
    """The first conversations between two ids, the first of them excluded, that have old messages
    and are not held. `values` are the time, the tenant's periods and the limit."""
    return await tx.all(_DUE_MESSAGES, after=bounds[0], until=bounds[1], **values)


async def conversations_in(tx: Tx, bounds: tuple[str, str], values: dict[str, Any]) -> list[Due]:
    """As `messages_in`, conversations that are to be deleted as a whole."""
    return await tx.all(_DUE_CONVERSATIONS, after=bounds[0], until=bounds[1], **values)


async def old_up_to(tx: Tx, wanted: list[tuple[str, int, int, int]]) -> list[OldRange]:
    """For each (conversation, after `seq`, until `seq`, before time) the last message in it that is
    old; those without one are left out."""
    return await tx.all(_OLD_UP_TO, wanted=wanted)


async def old_files_of(tx: Tx, conversation_ids: list[str], before: int) -> list[OldFile]:
    """The files of these conversations that were stored before a time (µs)."""
    return await tx.all(_OLD_FILES_OF, conversation_ids=conversation_ids, before=before)


async def old_files(tx: Tx, after: str, before: int, limit: int) -> list[OldFile]:
    """The files after an id that were stored before a time (µs), of conversations that are not
    held, in the order of ids."""
    return await tx.all(_OLD_FILES, after=after, before=before, limit=limit)


async def referenced(tx: Tx, found: list[OldFile], after_seq: int) -> set[str]:
    """The ids of those of these files of one conversation that a message after `after_seq` has
    attached, or links to."""
    texts = await tx.all(_REFERENCES, conversation_id=found[0].conversation_id, after_seq=after_seq)
    return {
        file.id
        for file in found
        if any(file.id in attached or file.key in link for attached, link in texts)
    }
