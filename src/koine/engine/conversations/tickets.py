"""Tickets of a hand-off: people answer instead of the responder, until the ticket is completed.

chats.md: a ticket is opened when the responder hands off; while it is ongoing the responder does
not answer; completing it makes the responder answer again.
"""

from msgspec import structs

from koine.engine.auth import access
from koine.engine.conversations import conversations
from koine.engine.core.operations import read_tx, write_tx
from koine.engine.core.recorder import record_change, record_event
from koine.engine.people import references
from koine.kit.ids import new_id
from koine.model.actor import Actor
from koine.model.conversation import Conversation
from koine.model.errors import Conflict, NotFound
from koine.model.ticket import Ticket
from koine.store.conversations import conversations as rows
from koine.store.conversations import tickets
from koine.store.core.db import Tx


@write_tx
async def open_(tx: Tx, now: int, actor: Actor, conversation_id: str) -> Ticket:
    """Hand a conversation off to people: the responder does not answer from now on.

    Raises NotFound("conversation"), Forbidden, Conflict("exists") while another one is open.
    """
    found, _ = await access.conversation_for_staff_change(tx, actor, conversation_id)
    known = (await tickets.latest_of(tx, [found.id])).get(found.id)
    if known is not None and known.status != "completed":
        raise Conflict("exists", "the conversation has an open ticket")
    ticket = Ticket(
        id=new_id(),
        conversation_id=found.id,
        kind="handoff",
        status="pending",
        customer_id=found.owner_id,
        assignee_id=None,
        created_at=now,
        ongoing_at=None,
        completed_at=None,
    )
    await tickets.insert_one(tx, ticket)
    await record_event(tx, now, "ticket.created", ticket.id, conversation_id=found.id)
    await _set_responder_active(tx, now, found, False)
    return ticket


@write_tx
async def take(tx: Tx, now: int, actor: Actor, ticket_id: str, assignee_id: str) -> Ticket:
    """Assign the ticket and its conversation to a user, also when another one has it.

    Raises NotFound("ticket" | "assignee"), Forbidden, Conflict("completed").
    """
    before, found = await _locked(tx, actor, ticket_id)
    if before.status == "completed":
        raise Conflict("completed", "the ticket is completed")
    await references.check_assignee(tx, assignee_id, before.assignee_id)
    changes = conversations.ConversationChanges(assignee_id=assignee_id)
    taken = await conversations.change_tx(tx, now, actor, found, changes)
    await _set_responder_active(tx, now, taken, False)
    after = structs.replace(
        before, status="ongoing", assignee_id=assignee_id, ongoing_at=before.ongoing_at or now
    )
    return await _change(tx, now, before, after)


@write_tx
async def complete(tx: Tx, now: int, actor: Actor, ticket_id: str) -> Ticket:
    """Complete a ticket: the conversation is assigned to nobody, and the responder answers again.
    Idempotent. Raises NotFound("ticket"), Forbidden."""
    before, found = await _locked(tx, actor, ticket_id)
    if before.status == "completed":
        return before
    freed = await conversations.change_tx(
        tx, now, actor, found, conversations.ConversationChanges(assignee_id=None)
    )
    await _set_responder_active(tx, now, freed, True)
    return await _change(
        tx, now, before, structs.replace(before, status="completed", completed_at=now)
    )


@read_tx
async def get(tx: Tx, actor: Actor, ticket_id: str) -> Ticket:
    """One ticket of a conversation the actor may see. Raises NotFound("ticket")."""
    ticket = await _existing(tx, ticket_id)
    try:
        await access.conversation(tx, actor, ticket.conversation_id, removed=True)
    except NotFound:
        raise NotFound("ticket") from None
    return ticket


async def release_tx(tx: Tx, now: int, actor: Actor, found: Conversation, holder_id: str) -> None:
    """Take a locked conversation and its tickets from a user that was removed. A ticket goes to the
    assignee of the conversation, if that is another user, or is completed. The responder answers
    again unless somebody is assigned or another ticket waits for people."""
    held = await tickets.ongoing_of(tx, found.id, holder_id)
    other = found.assignee_id if found.assignee_id != holder_id else None
    for before in held:
        after = structs.replace(before, status="completed", completed_at=now)
        if other is not None:
            after = structs.replace(before, assignee_id=other)
        await _change(tx, now, before, after)
    if found.assignee_id == holder_id:
        unassigned = conversations.ConversationChanges(assignee_id=None)
        found = await conversations.change_tx(tx, now, actor, found, unassigned)
    elif not held or other is not None:
        return
    latest = (await tickets.latest_of(tx, [found.id])).get(found.id)
    await _set_responder_active(tx, now, found, latest is None or latest.status == "completed")


async def _existing(tx: Tx, ticket_id: str) -> Ticket:
    ticket = await tickets.get(tx, ticket_id)
    if ticket is None:
        raise NotFound("ticket")
    return ticket


async def _locked(tx: Tx, actor: Actor, ticket_id: str) -> tuple[Ticket, Conversation]:
    """The ticket, read again when its conversation is locked."""
    ticket = await _existing(tx, ticket_id)
    try:
        found, _ = await access.conversation_for_staff_change(tx, actor, ticket.conversation_id)
    except NotFound:
        raise NotFound("ticket") from None
    return await _existing(tx, ticket_id), found


async def _change(tx: Tx, now: int, before: Ticket, after: Ticket) -> Ticket:
    if after != before:
        await tickets.change(tx, after)
        conversation_id = after.conversation_id
        await record_event(
            tx,
            now,
            "ticket.updated",
            after.id,
            conversation_id=conversation_id,
            status=after.status,
        )
    return after


async def _set_responder_active(
    tx: Tx, now: int, found: Conversation, responder_active: bool
) -> None:
    """Set whether the responder answers."""
    if found.responder_active == responder_active:
        return
    after = structs.replace(
        found, responder_active=responder_active, updated_at=max(now, found.updated_at + 1)
    )
    await rows.change(tx, found, after)
    await record_change(tx, now, found, after)
