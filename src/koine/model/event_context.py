"""An event with everything a reader of it may be shown: what streams and webhooks are made of."""

from functools import cached_property

import msgspec
from msgspec import Struct, field, structs

from koine.model.conversation import Conversation, Participant
from koine.model.delivery import Delivery
from koine.model.event import Change, LoggedEvent
from koine.model.identity import Identity, ResponderVersion
from koine.model.inbox import Inbox
from koine.model.message import Message
from koine.model.related import Related
from koine.model.tenant import Tenant
from koine.model.ticket import Ticket

Subject = Identity | Inbox | Delivery | Ticket | Tenant


class EventContext(Struct, frozen=True, kw_only=True, dict=True):
    """What happened, and the things it happened to as they are now, not as they were then.

    `conversation` is None where the event is about none, or the conversation is deleted; then
    `members` are those who could see it, or a delivery
    before it was saved. `noun` is the identity, inbox, delivery, ticket or tenant
    the event is about. `around` holds what surrounds the conversation. `readers` are the only
    people who read the messages of a support conversation, None for every other kind.
    `meets` are those who share a conversation with the identity the event is about. `version` is a
    responder's new one. `merged_id` is the contact that became the `noun`.
    """

    event: LoggedEvent
    conversation: Conversation | None = None
    participants: tuple[Participant, ...] = ()
    message: Message | None = None
    subject: Subject | None = None
    related: Related = field(default_factory=Related)
    readers: frozenset[str] | None = None
    members: frozenset[str] = frozenset()
    shared_with: frozenset[str] = frozenset()
    version: ResponderVersion | None = None
    merged_id: str | None = None

    @cached_property
    def change(self) -> Change:
        """What moved, where the event is a change of a conversation."""
        if self.event.kind != "conversation.updated":
            return Change()
        return msgspec.json.decode(self.event.body, type=Change)

    @property
    def conversation_then(self) -> Conversation | None:
        """The conversation as it is now, but with the status and the assignee it had right after
        the event: a transition is told with its own values, whatever came after it."""
        found, then = self.conversation, self.change.then
        if found is None or then is None:
            return found
        return structs.replace(found, status=then.status, assignee_id=then.assignee_id)

    def participant(self, identity_id: str | None) -> Participant | None:
        """The part one has or had in the conversation."""
        return self._parts.get(identity_id)

    @cached_property
    def _parts(self) -> dict[str | None, Participant]:
        return {p.identity_id: p for p in self.participants}
