"""What goes over the wire to those who follow: events, and what each kind of them holds."""

import msgspec
from msgspec import Struct

from koine.dialects.native.wire import Tenant, User
from koine.dialects.native.wire_people import Contact
from koine.dialects.native.wire_setup import Delivery, Inbox, Responder, Version
from koine.dialects.native.wire_talk import Conversation, Message, Participant, Ticket
from koine.model.identity import IdentityKind


class SaidData(Struct, frozen=True):
    """`message.*`: the message, its conversation, and the sender's own part in it, if any: who
    speaks has read."""

    message: Message
    conversation: Conversation
    participant: Participant | None


class TalkData(Struct, frozen=True):
    """`conversation.created`, `.updated`, `.read` and `participant.*`: the conversation and all who
    take or took part."""

    conversation: Conversation
    participants: list[Participant]


class GoneData(Struct, frozen=True):
    """`conversation.removed` and `.deleted`: the reader sees it no more."""

    conversation_id: str


class TicketData(Struct, frozen=True):
    """`ticket.*`: the ticket, and its conversation unless that was taken out of the lists."""

    ticket: Ticket
    conversation: Conversation | None


class Card(Struct, frozen=True):
    """Someone as conversations, participants and messages show them."""

    id: str
    kind: IdentityKind
    name: str | None
    email: str | None
    avatar_url: str | None


class PersonData(Struct, frozen=True, omit_defaults=True):
    """`identity.*`: the card, and the whole of it for those who may read people. `merged_id` became
    `person`: whatever was its is this one's."""

    person: Card
    user: User | None = None
    contact: Contact | None = None
    responder: Responder | None = None
    merged_id: str | None = None


class InboxData(Struct, frozen=True):
    """`inbox.created` and `.updated`."""

    inbox: Inbox


class InboxGoneData(Struct, frozen=True):
    """`inbox.removed`."""

    inbox_id: str


class DeliveryData(Struct, frozen=True):
    """`delivery.saved`."""

    delivery: Delivery


class VersionData(Struct, frozen=True):
    """`responder.versioned`: the responder and its new version."""

    responder: Responder
    version: Version | None


class TenantData(Struct, frozen=True):
    """`tenant.updated`."""

    tenant: Tenant


class CredentialData(Struct, frozen=True):
    """`credential.changed`: the key, the login or the person whose credentials changed."""

    subject_id: str


EventData = (
    SaidData
    | TalkData
    | GoneData
    | TicketData
    | PersonData
    | InboxData
    | InboxGoneData
    | DeliveryData
    | VersionData
    | TenantData
    | CredentialData
)


class Event(Struct, frozen=True):
    """One thing that happened, holding what it happened to as that is now.

    `id` is the same wherever and however often it is told. `seq` is the number of the message it
    is about.
    """

    id: str
    type: str
    created_at: str
    conversation_id: str | None
    seq: int | None
    data: EventData | msgspec.Raw


class Cursor(Struct, frozen=True):
    """Where one begins to follow; take it before reading what there is."""

    cursor: str
