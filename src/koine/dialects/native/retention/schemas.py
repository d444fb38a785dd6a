"""The types of retention periods, runs and legal holds."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from koine.dialects.native.schemas import Id, Reason
from koine.model.retention import LONGEST_DAYS, HoldKind

Days = Annotated[int, Meta(ge=1, le=LONGEST_DAYS)]
InboxDays = Annotated[int, Meta(ge=0, le=LONGEST_DAYS)]


class Periods(Struct, frozen=True):
    """For how many days data is kept. Null: forever, and of events and webhook deliveries as long
    as the server's settings say."""

    messages: int | None
    conversations: int | None
    files: int | None
    events: int | None
    webhook_deliveries: int | None
    audit: int | None


class InboxPeriods(Struct, frozen=True):
    """The periods of an inbox in days. Null: the tenant's; 0: forever."""

    inbox_id: str
    messages: int | None
    conversations: int | None


class DeletedCounts(Struct, frozen=True):
    """How much was deleted, or would be; `bytes` are those of the files."""

    messages: int
    conversations: int
    files: int
    bytes: int
    events: int
    webhook_deliveries: int
    audit_entries: int


class Run(Struct, frozen=True):
    """A run that deletes what is too old; without `finished_at` it is going on."""

    started_at: str
    finished_at: str | None
    deleted: DeletedCounts


class DryRun(Struct, frozen=True):
    """What a run that began now would delete. Not `complete`: at least that, as counting all of it
    would take too long."""

    would_delete: DeletedCounts
    complete: bool


class ServerPeriods(Struct, frozen=True):
    """The days for which the server keeps these at least."""

    events: int
    webhook_deliveries: int


class Retention(Struct, frozen=True):
    """The tenant's periods, those of inboxes that have their own, and the run that is going on or
    the last one."""

    periods: Periods
    inboxes: list[InboxPeriods]
    server: ServerPeriods
    last_run: Run | None


class ChangePeriods(Struct, frozen=True):
    """Periods to change, in days; what is left out stays."""

    messages: Days | UnsetType | None = UNSET
    conversations: Days | UnsetType | None = UNSET
    files: Days | UnsetType | None = UNSET
    events: Days | UnsetType | None = UNSET
    webhook_deliveries: Days | UnsetType | None = UNSET
    audit: Days | UnsetType | None = UNSET


class ChangeInboxPeriods(Struct, frozen=True):
    """Periods of an inbox to change, in days; what is left out stays. Null: the tenant's; 0:
    forever."""

    messages: InboxDays | UnsetType | None = UNSET
    conversations: InboxDays | UnsetType | None = UNSET


class PlaceHold(Struct, frozen=True):
    """Hold the tenant, a conversation, or the conversations of a contact or user."""

    kind: HoldKind
    subject_id: Id
    reason: Reason


class Hold(Struct, frozen=True):
    """A legal hold: what it is about is not deleted. `created_by` is a user or API key; null: the
    operator of the server."""

    kind: HoldKind
    subject_id: str
    reason: str
    created_by: str | None
    created_at: str


class Holds(Struct, frozen=True):
    """A page of holds, oldest first."""

    data: list[Hold]
    next_cursor: str | None
