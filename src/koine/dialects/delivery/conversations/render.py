"""Conversations of the engine as JSON (delivery.md, Objects, D)."""

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
    shown: ConversationPage, actor: Actor, reader_id: str | None, base_url: str = ""
) -> list[schemas.Conversation]:
    """Every conversation shown to the actor, with the unread count of `reader_id`: 0 for an
    outsider. Uploads are below `base_url`."""
    around, made = shown.related, []
    for c in shown.items:
        people = around.participants.get(c.id, [])
        reader = next((p for p in people if p.identity_id == reader_id), None)
        # Private notes are unknown to this dialect, so they are not unread (D).
        count = unread(c, reader, sees_private=False)
        newest = _latest(c, around, actor)
        made.append(render_conversation(c, actor.tenant_id, people, newest, count, base_url))
    return made


def _latest(c: Conversation, around: Related, actor: Actor) -> Message | None:
    """The newest message that all see, if what is said there is for the actor (S)."""
    return (
        around.latest.get(c.id)
        if access.may_read_messages(actor, around.readers.get(c.id))
        else None
    )


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
