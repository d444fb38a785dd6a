"""From the engine's message to that of the API. Pure."""

import msgspec

from koine.dialects.native import fields
from koine.dialects.native.messages import schemas
from koine.kit.ids import is_id
from koine.kit.times import iso_ms
from koine.model import links
from koine.model.actor import Actor
from koine.model.message import Attachment, Message

_attachments_decoder = msgspec.json.Decoder(list[Attachment])
CLIENT_KEY_PREFIX = "client:"
"""The prefix of the idempotency key of a message with a `client_message_id`; the sender's id
    follows, then the client's id."""


def render_message(m: Message, base_url: str) -> schemas.Message:
    """A message. Links to its files begin with `base_url`."""
    return schemas.Message(
        id=m.id,
        conversation_id=m.conversation_id,
        seq=m.seq,
        public_seq=m.public_seq,
        type=m.type,
        content=m.content,
        content_url=links.public_url(m.content_url, m.attachments, base_url),
        content_type=m.content_type,
        content_attributes=fields.render_attributes(m.content_attributes),
        metadata=fields.render_attributes(m.metadata) if m.metadata is not None else None,
        parent_id=m.parent_id,
        private=m.private,
        sender=schemas.Sender(m.sender_id, m.sender_kind, m.sender_name, m.sender_avatar_url),
        attachments=_attachments(m, base_url),
        client_message_id=_client_message_id(m.client_key or ""),
        created_at=iso_ms(m.created_at),
        updated_at=iso_ms(m.updated_at),
    )


def client_key(actor: Actor, client_id: str) -> str:
    """The idempotency key of a message with a `client_message_id`. It contains the sender,
    since two senders may use the same id."""
    return f"{CLIENT_KEY_PREFIX}{actor.identity_id or actor.tenant_id}:{client_id}"


def _attachments(m: Message, base_url: str) -> list[schemas.Attachment]:
    if m.attachments is None:
        return []
    return [
        schemas.Attachment(
            id=file.id,
            file_type=file.file_type,
            name=file.name,
            content_type=file.content_type,
            size=file.size,
            width=file.width,
            height=file.height,
            url=f"{base_url}{links.upload_path(file.key, file.name)}",
        )
        for file in _attachments_decoder.decode(m.attachments)
    ]


def _client_message_id(key: str) -> str | None:
    if not key.startswith(CLIENT_KEY_PREFIX):
        return None
    text = key.removeprefix(CLIENT_KEY_PREFIX)
    who, _, own = text.partition(":")
    return own if is_id(who) else text
