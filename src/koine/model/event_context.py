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
    """An event, with the entities that it is about as they are now, not as they were then.

    `conversation` is None where the event is about none, or the conversation is deleted. `members`
    are the identities that could see a deleted conversation, or a delivery before it was saved.
    `subject` is the identity, inbox, delivery, ticket or tenant that the event is about; `related`
    are the entities around the conversation. `readers` are the only identities that may read the
    messages of a support conversation, None for every other kind. `shared_with` are those that
    share a conversation with the identity that the event is about. `version` is a responder's new
    version, `merged_id` the contact that was merged into `subject`.
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
        """What changed, where the event is a change of a conversation."""
        if self.event.kind != "conversation.updated":
            return Change()
        return msgspec.json.decode(self.event.body, type=Change)

    @property
    def conversation_then(self) -> Conversation | None:
        """The conversation as it is now, but with status and assignee as right after the event: so
        a transition is sent with its own values, even if another one followed."""
        found, then = self.conversation, self.change.then
        if found is None or then is None:
            return found
        return structs.replace(found, status=then.status, assignee_id=then.assignee_id)

    def participant(self, identity_id: str | None) -> Participant | None:
        """The identity as a participant of the conversation, present or former."""
        return self._parts.get(identity_id)

    @cached_property
    def _parts(self) -> dict[str | None, Participant]:
        return {p.identity_id: p for p in self.participants}
