"""The engine's conversations as this dialect's (delivery.md, Objects, D)."""

from koine.dialects.delivery.conversations import schemas
from koine.dialects.delivery.messages.render import render_json, render_message
from koine.dialects.delivery.participants.render import render_participant
from koine.engine.auth import access
from koine.kit.times import iso_ms
from koine.model.actor import Actor
from koine.model.conversation import Conversation, Participant, unread
from koine.model.message import Message
from koine.model.related import ConversationPage, Related


def render_conversations(
    page: ConversationPage, actor: Actor, reader_id: str | None, base_url: str = ""
) -> list[schemas.Conversation]:
    """A page of conversations for the actor, with the unread count of `reader_id`, which is 0 for
    an identity that is no participant. `base_url` is the base of links to uploads."""
    related, rendered = page.related, []
    for c in page.items:
        people = related.participants.get(c.id, [])
        reader = next((p for p in people if p.identity_id == reader_id), None)
        # This dialect shows no private notes, so it does not count them as unread (D).
        count = unread(c, reader, sees_private=False)
        latest = _latest(c, related, actor)
        rendered.append(render_conversation(c, actor.tenant_id, people, latest, count, base_url))
    return rendered


def _latest(c: Conversation, related: Related, actor: Actor) -> Message | None:
    """The newest message that is no private note; None if the actor may not read messages (S)."""
    if not access.may_read_messages(actor, related.readers.get(c.id)):
        return None
    return related.latest.get(c.id)


def render_conversation(
    c: Conversation,
    tenant_id: str,
    people: list[Participant],
    latest: Message | None,
    unread_count: int,
    base_url: str = "",
) -> schemas.Conversation:
    """One conversation."""
    return schemas.Conversation(
        c.id,
        tenant_id,
        c.kind,
        "closed" if c.status == "closed" else "active",
        c.title,
        c.delivery_id,
        render_json(c.metadata),
        c.created_by,
        iso_ms(c.created_at),
        iso_ms(c.updated_at),
        [render_participant(p) for p in people],
        None if latest is None else render_message(latest, base_url),
        unread_count,
    )
