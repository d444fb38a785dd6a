"""The engine's messages as messages of a chat."""

from koine.dialects.chats.chats.render import ROLES
from koine.dialects.chats.messages.schemas import ChatMessage
from koine.kit.times import iso_ms
from koine.model import links
from koine.model.message import Message

EXTERNAL_ID_PREFIX = "ext:"
"""Marks a message's `client_key` as an `externalId`: other dialects use the field, too."""


def render_message(m: Message, owner: str, base_url: str = "") -> ChatMessage:
    """A message of the chat of `owner` (an id); `base_url` is the base of links to its files."""
    return ChatMessage(
        created_at=iso_ms(m.created_at),
        id=m.id,
        updated_at=iso_ms(m.updated_at),
        chat_id=m.conversation_id,
        chat_thread_id=None,
        content=m.content or links.public_url(m.content_url, m.attachments, base_url) or "",
        external_id=_external_id(m),
        raw_content=None,
        role="user" if m.sender_id == owner else ROLES[m.sender_kind],
        sender_id=m.sender_id,
    )


def _external_id(m: Message) -> str | None:
    key = m.client_key or ""
    return key.removeprefix(EXTERNAL_ID_PREFIX) if key.startswith(EXTERNAL_ID_PREFIX) else None
