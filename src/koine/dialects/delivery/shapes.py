"""How our rows become what goes over the wire: pure functions (delivery.md, Objects, D)."""

from msgspec import Raw
from msgspec.json import Decoder

from koine.dialects.delivery import wire
from koine.engine.auth import access
from koine.engine.core.attributes import public_attributes
from koine.kit.times import iso_ms
from koine.model import links
from koine.model.actor import Actor
from koine.model.conversation import Conversation, Participant, unread
from koine.model.display_name import display_name
from koine.model.message import Attachment, Message
from koine.model.related import ConversationPage, Related

_NULL = Raw(b"null")
_MEDIA: dict[str, wire.ShownType] = {"image": "image", "audio": "audio", "video": "video"}
_ATTACHMENTS = Decoder(list[Attachment])


def render_conversations(
    shown: ConversationPage, actor: Actor, reader_id: str | None, base_url: str = ""
) -> list[wire.Conversation]:
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
) -> wire.Conversation:
    """One conversation."""
    return wire.Conversation(
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


def render_participant(p: Participant) -> wire.Participant:
    """One participant with their user details."""
    return wire.Participant(
        p.identity_id,
        p.role,
        iso_ms(p.joined_at),
        None if p.left_at is None else iso_ms(p.left_at),
        p.read_message_id,
        wire.User(p.identity_id, display_name(p), p.first_name, p.last_name, p.email, p.avatar_url),
    )


def render_message(m: Message, base_url: str = "") -> wire.MessageItem:
    """One message with its sender; a file that was sent is below `base_url`."""
    sender = None
    if m.sender_id is not None:
        sender = wire.Sender(
            m.sender_id, m.sender_name, m.sender_email, m.sender_avatar_url, m.sender_role
        )
    kind, link = _type(m), links.public_url(m.content_url, m.attachments, base_url)
    if m.attachments is not None and link is None:
        kind, link = _first_attachment(m.attachments, kind, base_url)
    return wire.MessageItem(
        m.id,
        m.conversation_id,
        m.sender_id,
        sender,
        kind,
        m.content,
        link,
        render_json(m.metadata),
        m.parent_id,
        iso_ms(m.created_at),
    )


def _type(m: Message) -> wire.ShownType:
    """The server's own messages are `html` or `system` (contracts/README.md)."""
    if m.type == "html":
        return "html"
    if m.sender_kind == "system" or m.type == "template" or m.type == "system":
        return "system"
    return m.type


def _first_attachment(
    attachments: str, kind: wire.ShownType, base_url: str
) -> tuple[wire.ShownType, str | None]:
    """A file sent through another dialect is shown as this one's link; of several the first (D)."""
    files = _ATTACHMENTS.decode(attachments)
    if not files:
        return kind, None
    link = f"{base_url}{links.upload_path(files[0].key, files[0].name)}"
    return (_MEDIA.get(files[0].file_type, "file") if kind == "text" else kind), link


def render_json(text: str | None) -> Raw:
    """Stored JSON as it is sent: without the attributes that are not public."""
    return _NULL if text is None else Raw(public_attributes(text).encode())
