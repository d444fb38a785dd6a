"""From the engine's conversation to that of the API, as one actor may see it. Pure."""

from msgspec import Struct

from koine.dialects.native import fields
from koine.dialects.native.conversations import schemas
from koine.engine.auth import access
from koine.kit.times import iso_ms
from koine.model.actor import Actor
from koine.model.conversation import Conversation, Participant, SenderKind, unread
from koine.model.display_name import display_name
from koine.model.identity import Identity
from koine.model.related import Related

_NO_PREVIEWS = (None, None)


class ConversationView(Struct, frozen=True):
    """What an actor may see of a conversation: `private` notes, its `messages` (in the previews);
    `unread` is the number of messages that it has not read."""

    private: bool
    messages: bool
    unread: int


def render_conversation(c: Conversation, related: Related, actor: Actor) -> schemas.Conversation:
    """A conversation with its people, as the actor may see it."""
    participant = _participant_of(related.participants.get(c.id, []), actor)
    private = access.sees_private(actor)
    messages = access.may_read_messages(actor, related.readers.get(c.id))
    return render_conversation_for_view(
        c, related, ConversationView(private, messages, unread(c, participant, private))
    )


def render_conversation_for_view(
    c: Conversation, related: Related, view: ConversationView
) -> schemas.Conversation:
    """As `render_conversation`, for all actors with this view."""
    last, previous = _previews(c) if view.messages else _NO_PREVIEWS
    return schemas.Conversation(
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
        owner=_person(c.owner_id, related.people),
        assignee_id=c.assignee_id,
        assignee=_person(c.assignee_id, related.people),
        responder_id=c.responder_id,
        responder=_person(c.responder_id, related.people),
        responder_version_id=c.responder_version_id,
        responder_active=c.responder_active,
        delivery_id=c.delivery_id,
        created_by=c.created_by,
        labels=fields.raw_json(c.labels),
        metadata=fields.render_attributes(c.metadata) if c.metadata is not None else None,
        custom_attributes=fields.render_attributes(c.custom_attributes),
        participant_count=c.participant_count,
        message_count=c.public_message_count,
        last_seq=c.last_seq if view.private else c.last_public_seq,
        unread_count=view.unread,
        last_message=last,
        previous_message=previous,
        last_activity_at=iso_ms(c.last_activity_at),
        contact_seen_at=fields.render_time(c.contact_seen_at),
        agent_seen_at=fields.render_time(c.agent_seen_at),
        created_at=iso_ms(c.created_at),
        updated_at=iso_ms(c.updated_at),
    )


def _participant_of(participants: list[Participant], actor: Actor) -> Participant | None:
    return next((each for each in participants if each.identity_id == actor.identity_id), None)


def _person(identity_id: str | None, people: dict[str, Identity]) -> schemas.Person | None:
    found = people.get(identity_id) if identity_id else None
    return (
        schemas.Person(found.id, found.kind, display_name(found), found.avatar_url)
        if found
        else None
    )


def _previews(c: Conversation) -> tuple[schemas.Preview | None, schemas.Preview | None]:
    return (
        _preview(c.last_content, c.last_sender_kind, c.last_message_at),
        _preview(c.previous_content, c.previous_sender_kind, c.previous_message_at),
    )


def _preview(
    content: str | None, kind: SenderKind | None, at: int | None
) -> schemas.Preview | None:
    return None if at is None else schemas.Preview(content, kind, iso_ms(at))
