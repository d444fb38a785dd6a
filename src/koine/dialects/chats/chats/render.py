"""The engine's conversations as chats."""

from msgspec import Struct

from koine.dialects.chats.chats.schemas import ChannelType, Chat, ChatDetails, ResponderEntity
from koine.dialects.chats.schemas import Role
from koine.kit.times import iso_ms
from koine.model.conversation import Conversation, SenderKind
from koine.model.display_name import display_name
from koine.model.identity import IdentityKind
from koine.model.related import Related

NOBODY = "00000000-0000-0000-0000-000000000000"
"""Sent where an id must not be null but there is none (D)."""
CHANNEL_TYPES: dict[str, ChannelType] = {
    "email": "api", "phone": "api", "chat": "widget", "widget": "widget", "waha": "waha",
    "whatsapp": "whatsapp", "instagram": "instagram", "api": "api",
}  # fmt: skip
"""This dialect's channel type for each channel type of an inbox (D)."""
_ENTITIES: dict[IdentityKind, ResponderEntity] = {
    "agent": "agents",
    "squad": "squads",
    "workflow": "workflows",
}
ROLES: dict[SenderKind, Role] = {
    "contact": "user",
    "user": "attendant",
    "responder": "assistant",
    "system": "system",
}


class Owner(Struct, frozen=True):
    """What a chat shows of its owner: a user's email, or a contact's identifier and `blocked`."""

    id: str
    is_user: bool = True
    name: str | None = None
    email: str | None = None
    identifier: str | None = None
    blocked: bool | None = None


def render_chat(c: Conversation, workspace_id: str) -> Chat:
    """A chat."""
    return Chat(
        created_at=iso_ms(c.created_at),
        id=c.id,
        is_removed=c.removed_at is not None,
        updated_at=iso_ms(c.updated_at),
        channel_id=c.inbox_id,
        current_responder_id=c.responder_id if c.responder_active else None,
        last_chat_message_created_at=_time(_shown_at(c)),
        owner_id=owner_id(c),
        responder_id=c.responder_id or NOBODY,
        title=c.title,
        workspace_id=workspace_id,
    )


def render_details(c: Conversation, related: Related, workspace_id: str) -> ChatDetails:
    """A chat with details; `related` includes people, inboxes, tickets, versions and senders."""
    inbox = related.inboxes.get(c.inbox_id) if c.inbox_id else None
    owner = owner_of(c, related)
    responder = related.people.get(c.responder_id) if c.responder_id else None
    version = related.versions.get(c.responder_version_id) if c.responder_version_id else None
    ticket = related.tickets.get(c.id)
    last_sender, previous_sender = related.senders.get(c.id, (None, None))
    return ChatDetails(
        channel_id=c.inbox_id,
        channel_name=inbox.name if inbox else None,
        channel_type=CHANNEL_TYPES[inbox.channel_type] if inbox else None,
        created_at=iso_ms(c.created_at),
        id=c.id,
        is_owner_blocked=owner.blocked,
        is_removed=c.removed_at is not None,
        last_message_content=c.last_content,
        last_message_created_at=_time(c.last_message_at),
        last_message_role=_role(c.last_sender_kind, last_sender, owner.id),
        owner_email=owner.email,
        owner_id=owner.id,
        owner_identifier=owner.identifier,
        owner_name=owner.name,
        penultimate_message_content=c.previous_content,
        penultimate_message_created_at=_time(c.previous_message_at),
        penultimate_message_role=_role(c.previous_sender_kind, previous_sender, owner.id),
        responder_entity=_ENTITIES.get(responder.kind, "agents") if responder else "agents",
        responder_id=c.responder_id or NOBODY,
        responder_name=(responder.name or "") if responder else "",
        responder_picture=responder.avatar_url if responder else None,
        responder_version_id=c.responder_version_id,
        responder_version_number=version.number if version else None,
        ticket_id=ticket.id if ticket else None,
        ticket_status=ticket.status if ticket else None,
        title=c.title,
        workspace_id=workspace_id,
    )


def owner_id(c: Conversation) -> str:
    """The owner's id. A conversation without an owner belongs to the identity that opened it (D:
    `ownerId` is never null). The filters of the lists use the same rule."""
    return c.owner_id or c.created_by or NOBODY


def owner_of(c: Conversation, related: Related) -> Owner:
    """The owner, with the fields found in `related.people`."""
    identity_id = owner_id(c)
    person = related.people.get(identity_id)
    if person is None:
        return Owner(identity_id)
    if person.kind == "user":
        return Owner(identity_id, name=display_name(person), email=person.email)
    return Owner(
        identity_id,
        is_user=False,
        name=display_name(person),
        identifier=person.identifier,
        blocked=person.blocked,
    )


def _shown_at(c: Conversation) -> int | None:
    return c.last_message_at if c.sort_at_override is None else c.shown_at_override


def _time(us: int | None) -> str | None:
    return None if us is None else iso_ms(us)


def _role(kind: SenderKind | None, sender_id: str | None, owner: str) -> Role | None:
    if kind is None:
        return None
    return "user" if sender_id == owner else ROLES[kind]
