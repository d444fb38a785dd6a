"""From the engine's messages to those of the API, and what a form submits back. Pure."""

import msgspec
from msgspec import UNSET, Raw, to_builtins

from koine.dialects.inbox.contacts.render import View, render_message_sender
from koine.dialects.inbox.messages import schemas
from koine.engine.core import attributes
from koine.kit.times import unix
from koine.model.conversation import Conversation, SenderKind
from koine.model.errors import Invalid
from koine.model.identity import Identity
from koine.model.links import upload_path
from koine.model.message import Attachment, Message
from koine.model.related import Related

CONTENT_TYPES = frozenset(
    {
        "text", "input_text", "input_textarea", "input_email", "input_select", "cards", "form",
        "article", "incoming_email", "input_csat", "integrations", "sticker",
    }
)  # fmt: skip
SENDER_TYPES: dict[SenderKind, str | None] = {
    "contact": "Contact",
    "user": "User",
    "responder": "AgentBot",
    "system": None,
}
"""The `sender_type` of a message where the event names it."""
_FILE_TYPES = frozenset({"image", "audio", "video", "file"})
"""Message types whose `content_url` is shown as an attachment."""
_RATINGS = range(1, 6)
_FILES = msgspec.json.Decoder(list[Attachment])


def render_messages(view: View, c: Conversation, related: Related) -> list[schemas.Message]:
    """The messages of a conversation that the contact may read (of its "messages" and "people"):
    neither private notes nor notices of activity (F)."""
    found = related.messages.get(c.id, [])
    return [render_message(view, c, m, related.people) for m in found if is_shown(m)]


def is_shown(m: Message) -> bool:
    """Whether the client API shows this message at all (F)."""
    return not m.private and message_type(m) != 2


def render_message(
    view: View, c: Conversation, m: Message, people: dict[str, Identity]
) -> schemas.Message:
    """One message of a conversation; `people` may hold its sender."""
    return schemas.Message(
        id=m.number,
        content=m.content,
        message_type=message_type(m),
        content_type=m.content_type if m.content_type in CONTENT_TYPES else "text",
        content_attributes=Raw(attributes.public_attributes(m.content_attributes).encode()),
        created_at=unix(m.created_at),
        conversation_id=c.number,
        attachments=_attachments(view, m) or UNSET,
        sender=render_message_sender(view, m, people),
    )


def message_type(m: Message) -> int:
    """0 from the contact, 1 from a user or responder, 3 a template, 2 a notice (README, D)."""
    if m.sender_kind == "contact":
        return 0
    if m.sender_kind == "system":
        return 3 if m.type == "template" else 2
    return 1


def submitted_values(
    values: schemas.SubmittedValue | list[schemas.SubmittedValue] | None,
) -> dict[str, object] | None:
    """What to merge into a message's content attributes; None for nothing.

    Raises Invalid("rating") outside 1 to 5 (inbox.md, F).
    """
    if values is None or values in ([], schemas.SubmittedValue()):
        return None
    for each in values if isinstance(values, list) else [values]:
        response = each.csat_survey_response
        if response is not None and response.rating not in (None, *_RATINGS):
            raise Invalid("rating", "out_of_range", "Rating is not included in the list")
    return {"submitted_values": to_builtins(values)}


def _attachments(view: View, m: Message) -> list[schemas.Attachment]:
    if m.attachments is not None:
        return [_stored_file(view, m, file) for file in _FILES.decode(m.attachments)]
    if m.content_url is None or m.type not in _FILE_TYPES:
        return []
    return [_linked_file(view, m, m.content_url)]


def _stored_file(view: View, m: Message, file: Attachment) -> schemas.Attachment:
    url = f"{view.base_url}{upload_path(file.key, file.name)}"
    return schemas.Attachment(
        id=file.number,
        message_id=m.number,
        file_type=file.file_type,
        account_id=view.tenant.number,
        extension=file.extension,
        data_url=url,
        thumb_url=url if file.file_type == "image" else "",
        file_size=file.size,
        width=file.width,
        height=file.height,
        transcribed_text="" if file.file_type == "audio" else UNSET,
    )


def _linked_file(view: View, m: Message, url: str) -> schemas.Attachment:
    """A file elsewhere, of which no more is known than its link."""
    return schemas.Attachment(
        id=m.number,
        message_id=m.number,
        file_type=m.type,
        account_id=view.tenant.number,
        extension=None,
        data_url=url,
        thumb_url=url if m.type == "image" else "",
        file_size=None,
        width=None,
        height=None,
        transcribed_text="" if m.type == "audio" else UNSET,
    )
