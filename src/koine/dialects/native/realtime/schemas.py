"""The types of events and their data, of typing and of presence."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from koine.dialects.native.contacts.schemas import Contact
from koine.dialects.native.conversations.schemas import Conversation
from koine.dialects.native.deliveries.schemas import Delivery
from koine.dialects.native.inboxes.schemas import Inbox
from koine.dialects.native.messages.schemas import Message
from koine.dialects.native.participants.schemas import Participant
from koine.dialects.native.responders.schemas import Responder, Version
from koine.dialects.native.tenant.schemas import Tenant
from koine.dialects.native.tickets.schemas import Ticket
from koine.dialects.native.users.schemas import User
from koine.model.identity import IdentityKind

Availability = Literal["online", "away", "offline"]


class PersonSummary(Struct, frozen=True):
    """A user, contact or responder, as every reader of the event may see it."""

    id: str
    kind: IdentityKind
    name: str | None
    email: str | None
    avatar_url: str | None


class EventData(Struct, frozen=True, kw_only=True):
    """The subjects of an event, as GET returns them to the receiver now.

    `message.*`: `message`, `conversation`, and `participant`: the sender as participant, if it
    is one, since sending moves its read mark. `conversation.*` and `participant.*`:
    `conversation` and `participants`, but `conversation.removed` and `.deleted` have
    `conversation_id` alone: the receiver may not read it any more. `ticket.*`: `ticket`, and
    `conversation` unless that was taken out of the lists.
    `identity.*`: `person`, and the whole of it as `user`, `contact` or `responder` for those who
    may read people; `merged_id` became this person. `inbox.*`: `inbox`; `inbox_id` alone when it
    was removed. `responder.versioned`: `responder` and its new `version`. `delivery.saved`:
    `delivery`; `delivery_id` alone when it is the reader's no more (`delivery.removed`).
    `tenant.updated`: `tenant`. `credential.changed`: `subject_id`, the key, login or person whose
    credentials changed.
    """

    message: Message | UnsetType = UNSET
    conversation: Conversation | UnsetType = UNSET
    participant: Participant | UnsetType = UNSET
    participants: list[Participant] | UnsetType = UNSET
    conversation_id: str | UnsetType = UNSET
    ticket: Ticket | UnsetType = UNSET
    person: PersonSummary | UnsetType = UNSET
    user: User | UnsetType = UNSET
    contact: Contact | UnsetType = UNSET
    merged_id: str | UnsetType = UNSET
    inbox: Inbox | UnsetType = UNSET
    inbox_id: str | UnsetType = UNSET
    responder: Responder | UnsetType = UNSET
    version: Version | UnsetType = UNSET
    delivery: Delivery | UnsetType = UNSET
    delivery_id: str | UnsetType = UNSET
    tenant: Tenant | UnsetType = UNSET
    subject_id: str | UnsetType = UNSET


class Event(Struct, frozen=True):
    """One change of the tenant's data, with its subjects as they are now.

    `id` is the same on every stream, however often it is sent. `seq` is that of the message it
    is about.
    """

    id: str
    type: str
    created_at: str
    conversation_id: str | None
    seq: int | None
    data: EventData


class TypingPerson(Struct, frozen=True):
    """Who is typing."""

    id: str
    kind: IdentityKind
    name: str | None


class Typing(Struct, frozen=True):
    """`typing`: somebody is typing (`on`), or stopped; `private`: they type a private note."""

    conversation_id: str
    who: TypingPerson
    on: bool
    private: bool


class PresenceChange(Struct, frozen=True):
    """`presence`: a person went online, away or offline."""

    id: str
    kind: IdentityKind
    availability: Availability


class OnlinePerson(Struct, frozen=True):
    """A user or contact with an open stream or socket, on any node."""

    id: str
    availability: Availability


class OnlinePeople(Struct, frozen=True):
    """All users and contacts that are online or away."""

    data: list[OnlinePerson]
    next_cursor: str | None


class SetTyping(Struct, frozen=True):
    """Whether the caller is typing; `private` for a private note."""

    on: bool = True
    private: bool = False


class SetPresence(Struct, frozen=True):
    """The availability that others see; the caller must have an open stream or socket."""

    availability: Literal["online", "away"]


class EventQuery(Struct, frozen=True, kw_only=True):
    """Which events to stream: these kinds (`message.created`, or `message` for all kinds of that
    entity) of these conversations, after `cursor`; without, all from now on."""

    kinds: list[str] | None = None
    conversation_id: list[str] | None = None
    cursor: str | None = None


class Cursor(Struct, frozen=True):
    """Where a stream begins that continues a snapshot: get the cursor before the snapshot."""

    cursor: str
