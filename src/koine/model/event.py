"""Events: every change of state, written in its own transaction, read by streams and webhooks."""

from hashlib import blake2b
from typing import Any, Literal

import msgspec
from msgspec import Struct

from koine.model.conversation import Status

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
    "webhook.disabled",
]

Audience = Literal["everyone", "staff"]
"""Who of those that see the conversation may see the event; `staff` keeps private notes private."""


class StateAfter(Struct, frozen=True):
    """What a conversation's status and assignee were right after a change of it."""

    status: Status
    assignee_id: str | None


class Change(Struct, frozen=True):
    """What the body of `conversation.updated` says: the fields that moved with their new values,
    and with those before; of what people wrote (title, labels, attributes) only the names. Events
    of earlier releases have neither `previous` nor `then`."""

    changed: dict[str, Any] = {}
    previous: dict[str, Any] = {}
    then: StateAfter | None = None


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


class LoggedEvent(Event, frozen=True):
    """An event as the log holds it: where it stands (`position` only grows) and whose it is."""

    position: int
    tenant_id: str

    @property
    def id(self) -> str:
        """The event's name, the same wherever and however often it is told: what a reader
        deduplicates by. Made of what no restored backup gives to two events."""
        told = f"{self.position}.{self.created_at}.{self.tenant_id}.{self.subject_id}"
        return f"evt_{blake2b(told.encode(), digest_size=16).hexdigest()}"

    @property
    def is_of_contact(self) -> bool:
        """Whether a contact changed: frequent, and contacts hold no remembered credential."""
        if not self.kind.startswith("identity."):
            return False
        body: dict[str, object] = msgspec.json.decode(self.body)
        return body.get("what") == "contact"
