"""The contact's conversations."""

import contextlib
from functools import partial

from koine.dialects.inbox import wire
from koine.dialects.inbox.auth import (
    CONTACT,
    CONVERSATION,
    entry_of,
    number_in,
    view_of,
)
from koine.dialects.inbox.blocked import is_blocked
from koine.dialects.inbox.bodies import ConversationCreate, Typing
from koine.dialects.inbox.budgets import budgets_of
from koine.dialects.inbox.wire import Conversation
from koine.engine.conversations import contact_conversations
from koine.http.request import Request
from koine.http.route import PathType, Routes
from koine.model.display_name import display_name
from koine.model.errors import Unavailable
from koine.model.identity import Identity
from koine.realtime.reader import EphemeralEvent

routes = Routes()
NUMBERED: dict[str, PathType] = {"conversation": "integer"}


@routes.get(
    CONTACT + "/conversations",
    returns=list[Conversation],
    other_statuses=(401, 404, 429),
    tags=("Conversations",),
)
async def list_conversations(call: Request[None, None]) -> list[Conversation]:
    """List the contact's conversations, each with its messages."""
    shown = await contact_conversations.list_all(call.engine, call.actor, entry_of(call))
    view = view_of(call)
    return [wire.conversation(view, each, shown.related) for each in shown.items]


async def _made(call: Request[ConversationCreate, None]) -> Conversation:
    """The conversation that was created, as it is now."""
    return await _whole(call, int(call.created_ids))


async def _now(call: Request[None, None]) -> Conversation:
    """The conversation of the path, as it is now."""
    return await _whole(call, number_in(call, "conversation"))


@routes.post(
    CONTACT + "/conversations",
    replay=_made,
    body=ConversationCreate,
    returns=Conversation,
    forms=True,
    other_statuses=(400, 401, 404, 422, 429),
    tags=("Conversations",),
)
async def create_conversation(call: Request[ConversationCreate, None]) -> Conversation:
    """Create a conversation."""
    given, admit = (
        call.body.custom_attributes or {},
        partial(budgets_of(call).admit_conversation, call),
    )
    opened = await contact_conversations.open_(
        call.engine, call.actor, entry_of(call), given, admit
    )
    call.created_ids = str(opened.number)
    return await _whole(call, opened.number)


@routes.get(
    CONVERSATION,
    returns=Conversation,
    other_statuses=(401, 404, 429),
    path_types=NUMBERED,
    tags=("Conversations",),
)
async def get_conversation(call: Request[None, None]) -> Conversation:
    """Get a conversation with its messages."""
    return await _whole(call, number_in(call, "conversation"))


@routes.post(
    CONVERSATION + "/toggle_status",
    replay=_now,
    returns=Conversation,
    other_statuses=(401, 404, 429),
    path_types=NUMBERED,
    tags=("Conversations",),
)
async def toggle_status(call: Request[None, None]) -> Conversation:
    """Resolve a conversation. One that is resolved stays so."""
    number, entry = number_in(call, "conversation"), entry_of(call)
    await contact_conversations.resolve(call.engine, call.actor, entry, number)
    return await _whole(call, number)


@routes.post(
    CONVERSATION + "/toggle_typing",
    body=Typing,
    forms=True,
    other_statuses=(401, 404, 429),
    path_types=NUMBERED,
    idempotent=False,
    tags=("Conversations",),
)
async def toggle_typing(call: Request[Typing, None]) -> None:
    """Say that the contact is typing, or no longer."""
    entry, number = entry_of(call), number_in(call, "conversation")
    found = await contact_conversations.get(call.engine, call.actor, entry, number)
    status = call.body.typing_status
    # Where nobody can be told, nothing is lost: it is never kept.
    with contextlib.suppress(Unavailable):
        if status in ("on", "off") and not entry.contact_at_inbox[1].blocked:
            told = _typing(
                entry.contact_at_inbox[1], call.actor.tenant_id, found.id, status == "on"
            )
            call.realtime.publish_ephemeral(told)


@routes.post(
    CONVERSATION + "/update_last_seen",
    other_statuses=(401, 404, 429),
    path_types=NUMBERED,
    tags=("Conversations",),
)
async def update_last_seen(call: Request[None, None]) -> None:
    """Say that the contact has seen everything in the conversation."""
    number, entry = number_in(call, "conversation"), entry_of(call)
    if is_blocked(call):
        await contact_conversations.get(call.engine, call.actor, entry, number)
        return
    await contact_conversations.mark_read(call.engine, call.actor, entry, number)


def _typing(contact: Identity, tenant_id: str, conversation_id: str, on: bool) -> EphemeralEvent:
    return EphemeralEvent(
        tenant_id=tenant_id,
        kind="typing",
        identity_id=contact.id,
        identity_kind="contact",
        name=display_name(contact),
        conversation_id=conversation_id,
        active=on,
        number=contact.number,
    )


async def _whole(
    call: Request[ConversationCreate, None] | Request[None, None], number: int
) -> Conversation:
    shown = await contact_conversations.with_messages(
        call.engine, call.actor, entry_of(call), number
    )
    return wire.conversation(view_of(call), shown.one, shown.related)
