"""Participants of a conversation: add, remove, roles, and read marks."""

from typing import Literal

from msgspec import Struct

from koine.engine.auth import access
from koine.engine.conversations import messages
from koine.engine.core.operations import read_tx, write_tx
from koine.engine.core.recorder import record_event
from koine.model.actor import Actor
from koine.model.conversation import Conversation, Participant, ParticipantRole
from koine.model.errors import Forbidden, NotFound
from koine.model.permissions import MANAGE_TENANT, WRITE_CONVERSATIONS
from koine.store.conversations import participants
from koine.store.core.db import Tx
from koine.store.people import identities

ParticipantResultKind = Literal["done", "unchanged", "unknown", "absent"]


class ParticipantResult(Struct, frozen=True):
    """The result for one user: `unknown` in the tenant and `absent` from the conversation are
    failures (delivery.md, F: some of many may fail)."""

    user_id: str
    what: ParticipantResultKind


@write_tx
async def add(
    tx: Tx,
    now: int,
    actor: Actor,
    conversation_id: str,
    user_ids: list[str],
    role: ParticipantRole = "member",
) -> list[ParticipantResult]:
    """Add users as participants, also those that have left; participants keep their role.

    One result for each user, in the order given. Raises NotFound, Forbidden, Conflict("closed").
    """
    found = await access.conversation_for_participant_change(tx, actor, conversation_id)
    people = await identities.get_by_ids(tx, user_ids)
    became: dict[str, ParticipantResultKind] = dict.fromkeys(user_ids, "unknown")
    for user_id in sorted(i for i in people if people[i].removed_at is None):
        joined = await join_tx(tx, now, found, user_id, role)
        became[user_id] = "done" if joined else "unchanged"
    return [ParticipantResult(user_id, what) for user_id, what in became.items()]


@write_tx
async def remove(
    tx: Tx, now: int, actor: Actor, conversation_id: str, user_ids: list[str]
) -> list[ParticipantResult]:
    """Remove participants; they stay visible as having left. Raises as `add`."""
    found = await access.conversation_for_participant_change(tx, actor, conversation_id)
    became: dict[str, ParticipantResultKind] = dict.fromkeys(user_ids, "absent")
    for user_id in sorted(became):
        if await leave_tx(tx, now, found, user_id):
            became[user_id] = "done"
    return [ParticipantResult(user_id, what) for user_id, what in became.items()]


@write_tx
async def change(
    tx: Tx,
    now: int,
    actor: Actor,
    conversation_id: str,
    user_ids: list[str],
    role: ParticipantRole,
) -> list[ParticipantResult]:
    """Give participants who have not left another role. Raises as `add`."""
    found = await access.conversation_for_participant_change(tx, actor, conversation_id)
    active = set(await participants.active_ids(tx, found.id))
    outcomes = []
    for user_id in user_ids:
        if user_id in active:
            await participants.set_role(tx, found.id, user_id, role)
            await record_event(
                tx, now, "participant.updated", user_id, conversation_id=found.id, role=role
            )
        outcomes.append(ParticipantResult(user_id, "done" if user_id in active else "absent"))
    return outcomes


@read_tx
async def get(tx: Tx, actor: Actor, conversation_id: str, identity_id: str) -> Participant:
    """A participant, even one that left, for actors that see the conversation or may change its
    participants. Raises NotFound("conversation" | "participant")."""
    if not actor.may(MANAGE_TENANT, WRITE_CONVERSATIONS):
        await access.conversation(tx, actor, conversation_id)
    found = await participants.get(tx, conversation_id, identity_id)
    if found is None:
        raise NotFound("participant")
    return found


@write_tx
async def mark_read(
    tx: Tx, now: int, actor: Actor, conversation_id: str, message_id: str | None = None
) -> bool:
    """Move the caller's read mark to a message, or to the newest. Returns whether it moved.

    Raises NotFound("conversation" | "message"), Forbidden for one that is no participant.
    """
    _, me = await access.conversation(tx, actor, conversation_id)
    if me is None or me.left_at is not None:
        raise Forbidden("participant")
    return await messages.mark_read.in_tx(tx, now, actor, conversation_id, message_id)


async def join_tx(
    tx: Tx, now: int, conversation: Conversation, user_id: str, role: ParticipantRole
) -> bool:
    """Add a participant to a locked conversation; False if it is one already."""
    joined = await participants.join(tx, conversation, user_id, role, now)
    if joined:
        await record_event(tx, now, "participant.joined", user_id, conversation_id=conversation.id)
    return joined


async def leave_tx(tx: Tx, now: int, conversation: Conversation, user_id: str) -> bool:
    """Let a participant leave a locked conversation; False if it is none."""
    left = await participants.leave(tx, conversation, user_id, now)
    if left:
        await record_event(tx, now, "participant.left", user_id, conversation_id=conversation.id)
    return left
