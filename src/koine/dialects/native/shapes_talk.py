"""Conversations, who takes part, messages and tickets as the wire shows them. Pure."""

import msgspec
from msgspec import Struct

from koine.dialects.native import wire_talk as wire
from koine.dialects.native.values import raw, shown_bag, shown_time
from koine.engine.auth import access
from koine.kit.ids import is_id
from koine.kit.times import iso_ms
from koine.model import links
from koine.model.actor import Actor
from koine.model.conversation import Conversation, Participant, SenderKind, unread
from koine.model.display_name import display_name
from koine.model.identity import Identity
from koine.model.message import Attachment, Message
from koine.model.related import Related
from koine.model.ticket import Ticket

_FILES = msgspec.json.Decoder(list[Attachment])

_NONE = (None, None)
CLIENT = "client:"
"""How a client's own message id begins as the message's key; then comes whose it is."""


class ConversationView(Struct, frozen=True):
    """What one reader is shown of a conversation: `private` for private notes, `messages` for
    what is said in it; `unread` is how much of it is new to the reader."""

    private: bool
    messages: bool
    unread: int


def conversation(c: Conversation, around: Related, actor: Actor) -> wire.Conversation:
    """One conversation with the people around it and what the actor has not read."""
    me = _me(around.participants.get(c.id, []), actor)
    private = access.sees_private(actor)
    messages = access.may_read_messages(actor, around.readers.get(c.id))
    return conversation_for_view(
        c, around, ConversationView(private, messages, unread(c, me, private))
    )


def conversation_for_view(
    c: Conversation, around: Related, view: ConversationView
) -> wire.Conversation:
    """As `conversation`, for all readers with this view."""
    last, previous = _previews(c) if view.messages else _NONE
    return wire.Conversation(
        id=c.id,
        number=c.number,
        kind=c.kind,
        status=c.status,
        title=c.title,
        priority=c.priority,
        channel=c.channel,
        source=c.source,
        inbox_id=c.inbox_id,
        owner_id=c.owner_id,
        owner=_person(c.owner_id, around.people),
        assignee_id=c.assignee_id,
        assignee=_person(c.assignee_id, around.people),
        responder_id=c.responder_id,
        responder=_person(c.responder_id, around.people),
        responder_version_id=c.responder_version_id,
        responder_active=c.responder_active,
        delivery_id=c.delivery_id,
        created_by=c.created_by,
        labels=raw(c.labels),
        metadata=shown_bag(c.metadata) if c.metadata is not None else None,
        custom_attributes=shown_bag(c.custom_attributes),
        participant_count=c.participant_count,
        message_count=c.public_count,
        last_seq=c.last_seq if view.private else c.last_public_seq,
        unread_count=view.unread,
        last_message=last,
        previous_message=previous,
        last_activity_at=iso_ms(c.last_activity_at),
        contact_seen_at=shown_time(c.contact_seen_at),
        agent_seen_at=shown_time(c.agent_seen_at),
        created_at=iso_ms(c.created_at),
        updated_at=iso_ms(c.updated_at),
    )


def participant(p: Participant) -> wire.Participant:
    """One who takes or took part."""
    return wire.Participant(
        identity_id=p.identity_id,
        kind=p.kind,
        name=display_name(p),
        email=p.email,
        avatar_url=p.avatar_url,
        role=p.role,
        joined_at=iso_ms(p.joined_at),
        left_at=shown_time(p.left_at),
        last_read_seq=p.read_seq,
        last_read_message_id=p.read_message_id,
    )


def message(m: Message, base_url: str) -> wire.Message:
    """One message; its files are fetched from below `base_url`."""
    return wire.Message(
        id=m.id,
        conversation_id=m.conversation_id,
        seq=m.seq,
        public_seq=m.public_seq,
        type=m.type,
        content=m.content,
        content_url=links.public_url(m.content_url, m.attachments, base_url),
        content_type=m.content_type,
        content_attributes=shown_bag(m.content_attributes),
        metadata=shown_bag(m.metadata) if m.metadata is not None else None,
        parent_id=m.parent_id,
        private=m.private,
        sender=wire.Sender(m.sender_id, m.sender_kind, m.sender_name, m.sender_avatar_url),
        attachments=_attachments(m, base_url),
        client_message_id=_client_id(m.client_key or ""),
        created_at=iso_ms(m.created_at),
        updated_at=iso_ms(m.updated_at),
    )


def ticket(t: Ticket) -> wire.Ticket:
    """One ticket."""
    return wire.Ticket(
        id=t.id,
        conversation_id=t.conversation_id,
        kind=t.kind,
        status=t.status,
        customer_id=t.customer_id,
        assignee_id=t.assignee_id,
        created_at=iso_ms(t.created_at),
        ongoing_at=shown_time(t.ongoing_at),
        completed_at=shown_time(t.completed_at),
    )


def client_key(actor: Actor, client_id: str) -> str:
    """A client's own message id as the message's key; another caller's same id is another key."""
    return f"{CLIENT}{actor.identity_id or actor.tenant_id}:{client_id}"


def _attachments(m: Message, base_url: str) -> list[wire.Attachment]:
    if m.attachments is None:
        return []
    return [
        wire.Attachment(
            id=file.id,
            file_type=file.file_type,
            name=file.name,
            content_type=file.content_type,
            size=file.size,
            width=file.width,
            height=file.height,
            url=f"{base_url}{links.upload_path(file.key, file.name)}",
        )
        for file in _FILES.decode(m.attachments)
    ]


def _client_id(key: str) -> str | None:
    if not key.startswith(CLIENT):
        return None
    text = key.removeprefix(CLIENT)
    who, _, own = text.partition(":")
    return own if is_id(who) else text


def _me(participants: list[Participant], actor: Actor) -> Participant | None:
    return next((each for each in participants if each.identity_id == actor.identity_id), None)


def _person(identity_id: str | None, people: dict[str, Identity]) -> wire.Person | None:
    found = people.get(identity_id) if identity_id else None
    return (
        wire.Person(found.id, found.kind, display_name(found), found.avatar_url) if found else None
    )


def _previews(c: Conversation) -> tuple[wire.Preview | None, wire.Preview | None]:
    return (
        _preview(c.last_content, c.last_sender_kind, c.last_message_at),
        _preview(c.previous_content, c.previous_sender_kind, c.previous_message_at),
    )


def _preview(content: str | None, kind: SenderKind | None, at: int | None) -> wire.Preview | None:
    return None if at is None else wire.Preview(content, kind, iso_ms(at))
