"""The engine's messages as this dialect's (delivery.md, Objects, D)."""

from msgspec import Raw
from msgspec.json import Decoder

from koine.dialects.delivery.messages import schemas
from koine.engine.core.attributes import public_attributes
from koine.kit.times import iso_ms
from koine.model import links
from koine.model.message import Attachment, Message

_NULL = Raw(b"null")
_MEDIA: dict[str, schemas.ShownType] = {"image": "image", "audio": "audio", "video": "video"}
_ATTACHMENTS = Decoder(list[Attachment])


def render_message(m: Message, base_url: str = "") -> schemas.MessageItem:
    """One message with its sender; `base_url` is the base of links to its files."""
    sender = None
    if m.sender_id is not None:
        sender = schemas.Sender(
            m.sender_id, m.sender_name, m.sender_email, m.sender_avatar_url, m.sender_role
        )
    kind, link = _type(m), links.public_url(m.content_url, m.attachments, base_url)
    if m.attachments is not None and link is None:
        kind, link = _first_attachment(m.attachments, kind, base_url)
    return schemas.MessageItem(
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


def _type(m: Message) -> schemas.ShownType:
    """The message type; the server's own messages are `html` or `system` (contracts/README.md)."""
    if m.type == "html":
        return "html"
    if m.sender_kind == "system" or m.type == "template" or m.type == "system":
        return "system"
    return m.type


def _first_attachment(
    attachments: str, kind: schemas.ShownType, base_url: str
) -> tuple[schemas.ShownType, str | None]:
    """Type and link of a message whose files were sent through another dialect: here a message has
    one link, so the first file's (D)."""
    files = _ATTACHMENTS.decode(attachments)
    if not files:
        return kind, None
    link = f"{base_url}{links.upload_path(files[0].key, files[0].name)}"
    return (_MEDIA.get(files[0].file_type, "file") if kind == "text" else kind), link


def render_json(text: str | None) -> Raw:
    """Stored attributes as JSON, null for None. Those stored before there was a size limit
    are cut to it."""
    return _NULL if text is None else Raw(public_attributes(text).encode())
