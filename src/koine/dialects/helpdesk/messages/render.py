"""The engine's messages as this dialect's."""

import msgspec

from koine.dialects.helpdesk.messages import schemas
from koine.kit.times import iso_ms
from koine.model.message import Attachment, Message

_attachments = msgspec.json.Decoder(list[Attachment])


def render_message(m: Message) -> schemas.Message:
    """One message."""
    return schemas.Message(
        m.id,
        m.conversation_id,
        m.content or "",
        "inbound" if _from_customer(m) else "outbound",
        m.private,
        _sender(m),
        _files(m),
        iso_ms(m.created_at),
    )


def _from_customer(m: Message) -> bool:
    """Whether a customer sent it: a contact or a user without a role (contracts/README.md)."""
    if m.sender_kind == "user":
        return m.sender_id is not None and m.sender_role is None
    return m.sender_kind == "contact"


def _sender(m: Message) -> schemas.Sender | None:
    if m.sender_id is None:
        return None
    if m.sender_kind == "responder":
        return schemas.Sender(m.sender_id, "agent", m.sender_name)
    return schemas.Sender(m.sender_id, "customer" if _from_customer(m) else "user", m.sender_name)


def _files(m: Message) -> list[schemas.Attachment]:
    if m.attachments is None:
        return []
    files = _attachments.decode(m.attachments)
    return [schemas.Attachment(f.id, f.name, f.content_type, f.size) for f in files]
