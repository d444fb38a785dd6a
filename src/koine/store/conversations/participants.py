"""The participants of conversations, and their read marks."""

from sqlalchemy import (
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    union_all,
    update,
)

from koine.model.conversation import Conversation, Participant
from koine.store.conversations import counters
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.row_mapper import RowMapper
from koine.store.core.statements import Command, Query, param
from koine.store.tables import conversations, identities, messages
from koine.store.tables import participants as t

ReadMark = tuple[int, int, str | None]
"""The seq, public_seq and id of the message shown as last read (None: do not change
it)."""

_IN_TENANT = t.c.tenant_id == param("tenant_id")
_OF_CONVERSATION = t.c.conversation_id == param("conversation_id")
_ONE = and_(_IN_TENANT, _OF_CONVERSATION, t.c.identity_id == param("identity_id"))
_PERSON = and_(identities.c.tenant_id == t.c.tenant_id, identities.c.id == t.c.identity_id)
_SHOWN = ("kind", "name", "first_name", "last_name", "email", "avatar_url")
_ROW = RowMapper(
    Participant,
    t,
    person_role=identities.c.role,
    **{name: identities.c[name] for name in _SHOWN},
)

_GET = Query(select(*_ROW.columns).join(identities, _PERSON).where(_ONE), _ROW.into)
_OF = Query(
    select(*_ROW.columns)
    .join(identities, _PERSON)
    .where(_IN_TENANT, in_list(t.c.conversation_id, "conversation_ids"))
    .order_by(t.c.conversation_id, t.c.joined_at, t.c.identity_id),
    _ROW.into,
)
_ACTIVE_IDS = Query(
    select(t.c.identity_id).where(_IN_TENANT, _OF_CONVERSATION, t.c.left_at.is_(None))
)
_ALL_IDS = Query(select(t.c.identity_id).where(_IN_TENANT, _OF_CONVERSATION), str)
_INSERT = Command(
    insert(t).values(
        {
            name: param(name)
            for name in (
                "tenant_id", "conversation_id", "identity_id", "role", "joined_at", "left_at",
                "read_seq", "read_public", "read_message_id", "last_activity_at",
            )
        }
    )
)  # fmt: skip
_REJOIN = Command(
    update(t)
    .where(_ONE)
    .values(
        left_at=None,
        joined_at=param("now"),
        role=param("new_role"),
        last_activity_at=param("at"),
    )
)
_LEAVE = Command(update(t).where(_ONE, t.c.left_at.is_(None)).values(left_at=param("now")))
_LEAVE_ALL = Command(
    update(t)
    .where(_IN_TENANT, _OF_CONVERSATION, t.c.left_at.is_(None))
    .values(left_at=param("now"))
)
_SET_ROLE = Command(update(t).where(_ONE).values(role=param("new_role")))
_READ = Command(
    update(t)
    .where(_ONE, t.c.read_seq < param("seq"))
    .values(
        read_seq=param("seq"),
        read_public=param("public_seq"),
        read_message_id=func.coalesce(
            param("message_id", t.c.read_message_id.type), t.c.read_message_id
        ),
    )
)
# Two selects, since those that the identity has left have another index.
_CONVERSATIONS_OF = Query(
    union_all(
        *(
            select(t.c.conversation_id).where(
                _IN_TENANT, t.c.identity_id == param("identity_id"), part
            )
            for part in (t.c.left_at.is_(None), t.c.left_at.is_not(None))
        )
    ),
    str,
)
_THEIRS = t.alias("theirs")
_THEIR_CONVERSATIONS = and_(
    conversations.c.tenant_id == _THEIRS.c.tenant_id,
    conversations.c.id == _THEIRS.c.conversation_id,
)
_SHARED = and_(
    t.c.tenant_id == _THEIRS.c.tenant_id, t.c.conversation_id == _THEIRS.c.conversation_id
)
_SHARING = Query(
    select(_THEIRS.c.identity_id)
    .join(conversations, _THEIR_CONVERSATIONS)
    .where(
        _THEIRS.c.tenant_id == param("tenant_id"),
        _THEIRS.c.left_at.is_(None),
        in_list(_THEIRS.c.identity_id, "identity_ids"),
        or_(
            conversations.c.owner_id == param("identity_id"),
            conversations.c.responder_id == param("identity_id"),
            exists().where(_SHARED, t.c.identity_id == param("identity_id")),
        ),
    )
    .distinct(),
    str,
)
_WHERE_SENT = Query(
    select(t.c.identity_id)
    .join(
        conversations,
        and_(conversations.c.tenant_id == t.c.tenant_id, conversations.c.id == t.c.conversation_id),
    )
    .where(
        _IN_TENANT,
        t.c.left_at.is_(None),
        in_list(t.c.identity_id, "identity_ids"),
        conversations.c.last_activity_at >= param("since"),
        exists().where(
            messages.c.tenant_id == t.c.tenant_id,
            messages.c.conversation_id == t.c.conversation_id,
            messages.c.sender_id == param("identity_id"),
        ),
    )
    .distinct(),
    str,
)
_REASSIGN = Command(update(t).where(_ONE).values(identity_id=param("new_identity_id")))
_DELETE_ONE = Command(delete(t).where(_ONE))
_DELETE_OF = Command(delete(t).where(_IN_TENANT, _OF_CONVERSATION))
_COUNT_CHANGED = Command(
    update(conversations)
    .where(
        conversations.c.tenant_id == param("tenant_id"),
        conversations.c.id == param("id"),
    )
    .values(participant_count=conversations.c.participant_count + param("by"))
)


async def get(tx: Tx, conversation_id: str, identity_id: str) -> Participant | None:
    """The participant, also one that has left."""
    return await tx.one(_GET, conversation_id=conversation_id, identity_id=identity_id)


async def of(tx: Tx, conversation_ids: list[str]) -> dict[str, list[Participant]]:
    """Everyone who takes or took part, by conversation, in order of joining."""
    found: dict[str, list[Participant]] = {each: [] for each in conversation_ids}
    for participant in await tx.all(_OF, conversation_ids=conversation_ids):
        found[participant.conversation_id].append(participant)
    return found


async def sharing_conversation_with(tx: Tx, identity_id: str, identity_ids: list[str]) -> set[str]:
    """Those of these identities that participate in a conversation of which the identity is owner,
    responder or (former) participant."""
    return set(await tx.all(_SHARING, identity_id=identity_id, identity_ids=identity_ids))


async def where_sent(tx: Tx, identity_id: str, identity_ids: list[str], since: int) -> set[str]:
    """Those of these identities that participate in a conversation in which the identity sent a
    message. Only of conversations active since `since` (µs), since every message is read."""
    return set(
        await tx.all(_WHERE_SENT, identity_id=identity_id, identity_ids=identity_ids, since=since)
    )


async def all_ids(tx: Tx, conversation_id: str) -> list[str]:
    """The ids of all who take or took part."""
    return await tx.all(_ALL_IDS, conversation_id=conversation_id)


async def active_ids(tx: Tx, conversation_id: str) -> list[str]:
    """The ids of those who take part now."""
    return [row[0] for row in await tx.all(_ACTIVE_IDS, conversation_id=conversation_id)]


async def join(tx: Tx, conversation: Conversation, identity_id: str, role: str, now: int) -> bool:
    """Make the identity a participant; False if it is one already. Messages from before it joined
    are unread, except what it read before it left.

    This locks the counters of the identity. Callers that let several join or leave do so in the
    order of their ids, so that two transactions cannot deadlock.
    """
    key = {"conversation_id": conversation.id, "identity_id": identity_id}
    known = await tx.one(_GET, **key)
    if known is not None and known.left_at is None:
        return False
    at = conversation.last_activity_at
    if known is not None:
        await tx.run(_REJOIN, **key, now=now, new_role=role, at=at)
    else:
        await tx.run(
            _INSERT, **key, role=role, joined_at=now, left_at=None,
            read_seq=0, read_public=0, read_message_id=None, last_activity_at=at,
        )  # fmt: skip
    await tx.run(_COUNT_CHANGED, id=conversation.id, by=1)
    await counters.apply_change(tx, [], counters.participant_counters(conversation, [identity_id]))
    return True


async def leave(tx: Tx, conversation: Conversation, identity_id: str, now: int) -> bool:
    """End the participation; False if there was none."""
    left = await tx.run(_LEAVE, conversation_id=conversation.id, identity_id=identity_id, now=now)
    if not left:
        return False
    await tx.run(_COUNT_CHANGED, id=conversation.id, by=-1)
    await counters.apply_change(tx, counters.participant_counters(conversation, [identity_id]), [])
    return True


async def leave_all(tx: Tx, conversation_id: str, now: int) -> None:
    """End all participations in a conversation that is removed; the caller updates the counters."""
    await tx.run(_LEAVE_ALL, conversation_id=conversation_id, now=now)


async def set_role(tx: Tx, conversation_id: str, identity_id: str, role: str) -> None:
    """Give a participant another role."""
    key = {"conversation_id": conversation_id, "identity_id": identity_id}
    await tx.run(_SET_ROLE, **key, new_role=role)


async def mark_read(tx: Tx, conversation_id: str, identity_id: str, mark: ReadMark) -> bool:
    """Move the read mark forward to a message; False if it is there or further."""
    seq, public_seq, message_id = mark
    moved = await tx.run(
        _READ, conversation_id=conversation_id, identity_id=identity_id,
        seq=seq, public_seq=public_seq, message_id=message_id,
    )  # fmt: skip
    return bool(moved)


async def conversations_of(tx: Tx, identity_id: str) -> list[str]:
    """The ids of the conversations the identity takes or took part in."""
    return await tx.all(_CONVERSATIONS_OF, identity_id=identity_id)


async def reassign(tx: Tx, conversation: Conversation, old_id: str, new_id: str, now: int) -> None:
    """Make another identity the participant in place of `old_id` (merging contacts). If both are,
    the later read mark remains, and the identity participates if either did."""
    key = {"conversation_id": conversation.id, "identity_id": old_id}
    old = await tx.one(_GET, **key)
    if old is None:
        return
    if await get(tx, conversation.id, new_id) is None:
        await tx.run(_REASSIGN, **key, new_identity_id=new_id)
        if old.left_at is None:
            before = counters.participant_counters(conversation, [old_id])
            await counters.apply_change(
                tx, before, counters.participant_counters(conversation, [new_id])
            )
        return
    if await leave(tx, conversation, old_id, now):
        await join(tx, conversation, new_id, old.role, now)
    await mark_read(
        tx, conversation.id, new_id, (old.read_seq, old.read_public, old.read_message_id)
    )
    await tx.run(_DELETE_ONE, **key)


async def delete_of(tx: Tx, conversation_id: str) -> list[str]:
    """Delete the participants of a conversation; returns the ids of those who had not left, whose
    counters the caller updates."""
    members = await active_ids(tx, conversation_id)
    await tx.run(_DELETE_OF, conversation_id=conversation_id)
    return members
