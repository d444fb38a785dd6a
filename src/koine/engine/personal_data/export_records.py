"""What an export of a person contains, as its JSON files have it."""

from typing import Any

import msgspec
from msgspec import Struct, structs

from koine.kit.times import iso_ms
from koine.model.conversation import Conversation
from koine.model.display_name import display_name
from koine.model.identity import Identity
from koine.model.message import Attachment, Message
from koine.store.personal_data.contents import ANSWERS

_attachments = msgspec.json.Decoder(list[Attachment])
_PROFILE = (
    "id", "number", "kind", "name", "first_name", "last_name", "email", "email_verified", "phone",
    "phone_verified", "identifier", "identifier_verified", "avatar_url", "role", "company",
    "job_title", "location", "country_code", "blocked",
)  # fmt: skip
_PROFILE_JSON = ("custom_attributes", "additional_attributes", "labels", "claims")
_PROFILE_TIMES = ("last_activity_at", "created_at", "updated_at", "removed_at")


class ExportedFile(Struct, frozen=True, omit_defaults=True):
    """An attachment; `path` is that of its bytes in the ZIP file, for the person's own."""

    name: str
    content_type: str
    size: int
    path: str | None = None


class ExportedMessage(Struct, frozen=True, omit_defaults=True):
    """A message that the person sent or could read. `own`: it is the person's."""

    id: str
    seq: int
    sent_at: str
    sender: str
    own: bool
    type: str
    content: str | None
    content_url: str | None = None
    metadata: object = None
    answers: object = None
    files: list[ExportedFile] = []


class ExportedConversation(Struct, frozen=True):
    """A conversation that the person owns, takes or took part in, or wrote in. `messages` is how
    many of it are in the export."""

    id: str
    number: int
    title: str | None
    status: str
    channel: str | None
    created_at: str
    messages: int


def profile_of(person: Identity) -> dict[str, Any]:
    """All that is stored of the person itself."""
    values: dict[str, Any] = {name: getattr(person, name) for name in _PROFILE}
    values |= {name: msgspec.json.decode(getattr(person, name)) for name in _PROFILE_JSON}
    values |= {name: _time(getattr(person, name)) for name in _PROFILE_TIMES}
    return values


def plain(row: Struct) -> dict[str, Any]:
    """A row with its times as ISO 8601 and its JSON texts decoded."""
    return {
        name: _time(value)
        if name.endswith("_at")
        else msgspec.json.decode(value)
        if name in ("given", "detail") and value is not None
        else value
        for name, value in structs.asdict(row).items()
    }


def exported_conversation(c: Conversation, messages: int) -> ExportedConversation:
    """A conversation without what staff alone sees of it."""
    return ExportedConversation(
        c.id, c.number, c.title, c.status, c.channel, iso_ms(c.created_at), messages
    )


def exported_message(m: Message, own: bool) -> ExportedMessage:
    """A message; of another's the text, the names of its files, and what the person answered."""
    attributes = msgspec.json.decode(m.content_attributes, type=dict[str, object])
    metadata = msgspec.json.decode(m.metadata) if own and m.metadata is not None else None
    return ExportedMessage(
        id=m.id,
        seq=m.seq,
        sent_at=iso_ms(m.created_at),
        sender=m.sender_name or m.sender_kind,
        own=own,
        type=m.type,
        content=m.content,
        content_url=m.content_url,
        metadata=metadata,
        answers=attributes.get(ANSWERS),
        files=[_file(each, own) for each in attachments_of(m)],
    )


def attachments_of(m: Message) -> list[Attachment]:
    """The files of a message."""
    return _attachments.decode(m.attachments) if m.attachments else []


def file_path(file: Attachment) -> str:
    """Where a file is in the ZIP file: its name is the sender's choice, so only its extension is
    taken over."""
    return f"files/{file.id}" + (f".{file.extension}" if file.extension else "")


def name_of(person: Identity) -> str:
    """The person's name in a title."""
    return display_name(person) or person.email or person.id


def _file(file: Attachment, own: bool) -> ExportedFile:
    path = file_path(file) if own else None
    return ExportedFile(file.name, file.content_type, file.size, path)


def _time(us: int | None) -> str | None:
    return None if us is None else iso_ms(us)
