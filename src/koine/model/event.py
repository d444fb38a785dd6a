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
"""Which of the actors that see the conversation may receive the event; `staff` is for private
notes."""


class StateAfter(Struct, frozen=True):
    """A conversation's status and assignee right after a change of it."""

    status: Status
    assignee_id: str | None


class Change(Struct, frozen=True):
    """The body of `conversation.updated`: the changed fields with their new and previous values; of
    what people wrote (title, labels, attributes) only the names. Events of earlier releases have
    neither `previous` nor `then`."""

    changed: dict[str, Any] = {}
    previous: dict[str, Any] = {}
    then: StateAfter | None = None


class Event(Struct, frozen=True):
    """One event. `seq` is that of a message, where the event is about one; `body` is JSON text with
    the ids and values that a reader needs to load the rest. `request_id` is the `X-Request-Id` of
    the request that caused it, for operators; None for work of the server itself.
    """

    kind: EventKind
    audience: Audience
    conversation_id: str | None
    subject_id: str
    seq: int | None
    body: str
    created_at: int
    request_id: str | None = None


class LoggedEvent(Event, frozen=True):
    """An event in the log, with its position, which only grows, and its tenant."""

    position: int = 0
    tenant_id: str = ""

    @property
    def id(self) -> str:
        """The event's id, the same each time and in every stream or webhook: receivers deduplicate
        by it. The position alone would not do: a restored backup gives it to another event."""
        text = f"{self.position}.{self.created_at}.{self.tenant_id}.{self.subject_id}"
        return f"evt_{blake2b(text.encode(), digest_size=16).hexdigest()}"

    @property
    def is_of_contact(self) -> bool:
        """Whether a contact changed. That is frequent, and no cached credential depends on it."""
        if not self.kind.startswith("identity."):
            return False
        body: dict[str, object] = msgspec.json.decode(self.body)
        return body.get("what") == "contact"
