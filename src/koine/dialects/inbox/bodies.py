"""What clients send, and how it is checked. Everything is optional: an empty body is normal here
(inbox.md, F)."""

from typing import Annotated

from msgspec import Meta, Struct, to_builtins

from koine.model.errors import Invalid

RATINGS = range(1, 6)


class ContactCreate(Struct):
    """A new contact, as far as the client knows it; `source_id` is the client's own name for it."""

    source_id: str | None = None
    identifier: str | None = None
    identifier_hash: str | None = None
    email: str | None = None
    name: str | None = None
    avatar_url: str | None = None
    phone_number: str | None = None
    custom_attributes: dict[str, object] | None = None


class ContactUpdate(Struct):
    """What to change of a contact; blank values change nothing. The identifier is never written:
    with its hash it proves to be another contact, that has the email or phone."""

    identifier: str | None = None
    identifier_hash: str | None = None
    email: str | None = None
    name: str | None = None
    avatar_url: str | None = None
    phone_number: str | None = None
    custom_attributes: dict[str, object] | None = None


class ConversationCreate(Struct):
    """Custom attributes of the new conversation; nothing else is read."""

    custom_attributes: dict[str, object] | None = None


class Typing(Struct):
    """`on` or `off`; anything else is taken without effect."""

    typing_status: object = None


class MessageCreate(Struct):
    """A message; files come as `attachments[]` of a multipart body. `echo_id` comes back on the
    stream alone and is never a key against doubles."""

    content: str | None = None
    echo_id: Annotated[str, Meta(max_length=255)] | int | float | None = None


class Rating(Struct, omit_defaults=True):
    """How satisfied the contact is, 1 to 5, and why."""

    rating: Annotated[int, Meta(description="1 to 5")] | None = None
    feedback_message: str | None = None


class SubmittedValue(Struct, omit_defaults=True):
    """One answer to a form or a survey; other keys are dropped."""

    name: str | None = None
    title: str | None = None
    value: str | int | float | bool | None = None
    csat_survey_response: Rating | None = None


class MessageUpdate(Struct):
    """What the contact filled in."""

    submitted_values: SubmittedValue | list[SubmittedValue] | None = None


class SurveyMessage(Struct):
    """The survey's part of a message update."""

    submitted_values: SubmittedValue | None = None


class SurveyUpdate(Struct):
    """The answer to a survey."""

    message: SurveyMessage | None = None


class MessagesQuery(Struct):
    """The page before, or after, a message id."""

    before: int | None = None
    after: int | None = None


def submitted(values: SubmittedValue | list[SubmittedValue] | None) -> dict[str, object] | None:
    """What to merge into a message's content attributes; None for nothing.

    Raises Invalid("rating") outside 1 to 5 (inbox.md, F).
    """
    if values is None or values in ([], SubmittedValue()):
        return None
    for each in values if isinstance(values, list) else [values]:
        response = each.csat_survey_response
        if response is not None and response.rating not in (None, *RATINGS):
            raise Invalid("rating", "out_of_range", "Rating is not included in the list")
    return {"submitted_values": to_builtins(values)}
