"""Events: every change of state, written in its own transaction, read by streams and webhooks."""

from typing import Literal

from msgspec import Struct

EventKind = Literal[
    "conversation.created",
    "conversation.updated",
    "conversation.deleted",
    "conversation.read",
    "participant.joined",
    "participant.left",
    "participant.updated",
    "message.created",
    "message.updated",
    "identity.created",
    "identity.updated",
    "identity.merged",
    "identity.removed",
    "inbox.created",
    "inbox.updated",
    "delivery.saved",
    "ticket.created",
    "ticket.updated",
    "responder.versioned",
    "credential.changed",
    "tenant.updated",
]

Audience = Literal["everyone", "staff"]
"""Who of those that see the conversation may see the event; `staff` keeps private notes private."""


class Event(Struct, frozen=True):
    """One fact. `seq` is the conversation's message number where there is one; `body` is JSON text
    with the ids and values a reader needs to find the rest.
    """

    kind: EventKind
    audience: Audience
    conversation_id: str | None
    subject_id: str
    seq: int | None
    body: str
    created_at: int
