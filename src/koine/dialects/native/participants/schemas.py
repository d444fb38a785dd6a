"""The types of participants and read marks."""

from msgspec import Struct

from koine.dialects.native.schemas import Id
from koine.model.conversation import ParticipantRole


class AddParticipant(Struct, frozen=True):
    """A new participant and its role."""

    identity_id: Id
    role: ParticipantRole = "member"


class ChangeParticipant(Struct, frozen=True):
    """A participant's new role."""

    role: ParticipantRole


class Participant(Struct, frozen=True):
    """An identity that takes part, or took part until `left_at`."""

    identity_id: str
    kind: str
    name: str | None
    email: str | None
    avatar_url: str | None
    role: ParticipantRole
    joined_at: str
    left_at: str | None
    last_read_seq: int
    last_read_message_id: str | None


class Participants(Struct, frozen=True):
    """A page of participants, in the order they joined."""

    data: list[Participant]
    next_cursor: str | None


class MarkRead(Struct, frozen=True):
    """Up to which message the caller has read; to the newest without one."""

    message_id: Id | None = None


class MarkReadResult(Struct, frozen=True):
    """Whether the caller's mark moved: it never moves back."""

    moved: bool
