"""Bodies and queries of the requests for participants and read marks (delivery.md, D)."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from koine.dialects.delivery.schemas import Common, Time, Uuid
from koine.model.conversation import ParticipantRole

Role = Literal["admin", "member"]
MAX_USERS = 500
"""The most users in one request (D)."""


class ReadStatus(Common, frozen=True):
    """The query of a read mark; without `message_id` it goes to the newest (D)."""

    message_id: Uuid | None = None


class NewParticipant(Struct, frozen=True):
    """A user to add as a participant."""

    user_id: Uuid
    role: Role = "member"


class ChangeParticipants(Struct, frozen=True):
    """Changes of participants."""

    action: Literal["add", "remove", "update"]
    user_ids: Annotated[list[Uuid], Meta(min_length=1, max_length=MAX_USERS)]
    role: Role = "member"


class User(Struct, frozen=True, gc=False):
    """The user of a participant (S: name, email, avatar)."""

    id: Uuid
    name: str | None
    first_name: str | None
    last_name: str | None
    email: str | None
    avatar: str | None


class Participant(Struct, frozen=True, gc=False):
    """A participant of a conversation, also one who has left (`left_at`)."""

    user_id: Uuid
    role: ParticipantRole
    joined_at: Time
    left_at: Time | None
    last_read_message_id: Uuid | None
    user: User


class Done(Struct, frozen=True):
    """A response without data."""

    success: bool
    message: str


class MemberResult(Struct, frozen=True):
    """The result for one user."""

    user_id: Uuid
    success: bool
    message: str


class MemberResults(Struct, frozen=True):
    """The result for each user; `success` is true if all changes were made."""

    success: bool
    message: str
    results: list[MemberResult]
