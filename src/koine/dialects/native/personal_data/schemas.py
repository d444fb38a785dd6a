"""The types of erasures."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from koine.model.personal_data import MessagePolicy, PersonKind


class ErasePerson(Struct, frozen=True, kw_only=True):
    """What becomes of the person's messages. Left out: those of contacts and of users without a
    role are erased, those of staff and drivers are kept without the name."""

    messages: MessagePolicy | UnsetType = UNSET


class ErasedCounts(Struct, frozen=True):
    """How much was changed or deleted so far."""

    people: int
    credentials: int
    claims: int
    conversations: int
    messages: int
    answers: int
    files: int
    events: int
    attempts: int
    responses: int
    entries: int


class Erasure(Struct, frozen=True, omit_defaults=True):
    """The erasure of a person. `merged_ids` are the contacts that were merged into it, erased too.
    `running` until everything is erased, then `done`; `checked` when that was done a second time.
    `similar_ids`, in the response that erases: other people with the same e-mail or phone."""

    id: str
    kind: PersonKind
    messages: MessagePolicy
    status: Literal["running", "done", "checked"]
    merged_ids: list[str]
    requested_at: str
    erased_at: str | None
    checked_at: str | None
    counts: ErasedCounts
    similar_ids: list[str] | UnsetType = UNSET


class Erasures(Struct, frozen=True):
    """A page of erasures, newest first."""

    data: list[Erasure]
    next_cursor: str | None
