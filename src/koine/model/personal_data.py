"""Erasures: a person's data that is deleted for good, and how far that is."""

from typing import Literal

import msgspec
from msgspec import Struct

from koine.model.actor import ActorKind

MessagePolicy = Literal["keep", "erase"]
"""What becomes of the messages that the person sent: `keep` leaves them without the name, as the
tenant's record; `erase` empties them and deletes their files."""
PersonKind = Literal["contact", "user"]
PERSON_KINDS: tuple[PersonKind, ...] = ("contact", "user")

DELETED_NAMES: dict[str, str] = {"contact": "Deleted contact", "user": "Deleted user"}
"""The name that an erased person is shown with, by kind."""
ERASED_ATTRIBUTES = '{"deleted":true}'
"""The content attributes of an erased message (JSON text), as inbox.md's clients know them."""


class ErasureCounts(Struct, frozen=True, omit_defaults=True):
    """What an erasure has changed or deleted, each a number of rows; `events` whose body was
    emptied, `answers` to forms and surveys, `attempts` of webhooks, `responses` stored under
    idempotency keys, `entries` of the audit log, `claims` of other contacts."""

    people: int = 0
    credentials: int = 0
    claims: int = 0
    conversations: int = 0
    messages: int = 0
    answers: int = 0
    files: int = 0
    events: int = 0
    attempts: int = 0
    responses: int = 0
    entries: int = 0

    def plus(self, other: "ErasureCounts") -> "ErasureCounts":
        """The sums of both."""
        return ErasureCounts(
            **{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__}
        )


class Erasure(Struct, frozen=True):
    """The erasure of one person. `also` are the contacts that were merged into the person (a JSON
    array of ids), erased with it. It goes through the conversations in the order of their ids, and
    `after_id` is the last one that is done. `erased_at` is None until everything was erased once;
    `checked_at` is when that was done a second time, for what requests that were still running
    wrote in the meantime. `actor_kind` and `actor_id` (a key's, or an identity's) are who asked for
    it. `counts` is JSON text. Times are µs."""

    id: str
    kind: PersonKind
    messages: MessagePolicy
    also: str
    after_id: str | None
    actor_kind: ActorKind
    actor_id: str | None
    requested_at: int
    erased_at: int | None
    checked_at: int | None
    counts: str

    @property
    def ids(self) -> list[str]:
        """The person and those that were merged into it."""
        return [self.id, *msgspec.json.decode(self.also, type=list[str])]
