"""The types of messages."""

from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from koine.dialects.inbox.contacts.schemas import AgentSender, BotSender, ContactSender


class MessagesQuery(Struct):
    """The page before, or after, a message id."""

    before: int | None = None
    after: int | None = None


class MessageCreate(Struct):
    """A new message; files are sent as `attachments[]` of a multipart body. `echo_id` is returned
    only in the stream, and a second message with it is stored, too."""

    content: str | None = None
    echo_id: Annotated[str, Meta(max_length=255)] | int | float | None = None


class Rating(Struct, omit_defaults=True):
    """How satisfied the contact is, 1 to 5, and why."""

    rating: Annotated[int, Meta(description="1 to 5")] | None = None
    feedback_message: str | None = None


class SubmittedValue(Struct, omit_defaults=True):
    """The answer to one field of a form or a survey; other keys are ignored."""

    name: str | None = None
    title: str | None = None
    value: str | int | float | bool | None = None
    csat_survey_response: Rating | None = None


class MessageUpdate(Struct):
    """What the contact submitted."""

    submitted_values: SubmittedValue | list[SubmittedValue] | None = None


class Attachment(Struct):
    """A file of a message; only audio has `transcribed_text` (inbox.md, S + F)."""

    id: int
    message_id: int
    file_type: str
    account_id: int
    extension: str | None
    data_url: str
    thumb_url: str
    file_size: int | None
    width: int | None
    height: int | None
    transcribed_text: str | UnsetType = UNSET


class Message(Struct):
    """One message; `attachments` and `sender` are left out when there are none (F)."""

    id: int
    content: str | None
    message_type: int
    content_type: str
    content_attributes: Raw
    created_at: int
    conversation_id: int
    attachments: list[Attachment] | UnsetType = UNSET
    sender: ContactSender | AgentSender | BotSender | UnsetType = UNSET
