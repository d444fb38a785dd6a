"""How long a tenant's data is kept, what is held, and what a run has deleted."""

from typing import Literal

from msgspec import Struct, structs

HoldKind = Literal["tenant", "conversation", "contact", "user"]
HOLD_KINDS: tuple[HoldKind, ...] = ("tenant", "conversation", "contact", "user")
LONGEST_DAYS = 36_500
"""The longest period."""
SHORTEST_AUDIT_DAYS = 30
"""Entries of the audit log are kept for so long at least, so that nobody hides what was done."""


class RetentionPeriods(Struct, frozen=True):
    """For how many days a tenant's data is kept; None: forever, and of events and webhook
    deliveries for as long as the server's settings say."""

    messages: int | None = None
    conversations: int | None = None
    files: int | None = None
    events: int | None = None
    webhook_deliveries: int | None = None
    audit: int | None = None


class InboxPeriods(Struct, frozen=True):
    """The periods of an inbox's conversations, in days. None: the tenant's; 0: forever."""

    messages: int | None = None
    conversations: int | None = None


class RetentionRules(Struct, frozen=True):
    """The periods of a tenant, and of the inboxes that have their own, by the inbox's id."""

    tenant: RetentionPeriods = RetentionPeriods()
    inboxes: dict[str, InboxPeriods] = {}


class LegalHold(Struct, frozen=True):
    """What is not to be deleted: everything of the tenant, a conversation, or the conversations
    that a contact or user owns or takes or took part in. `created_at` in µs; `created_by` is the
    user or key, None for the operator."""

    subject_id: str
    kind: HoldKind
    reason: str
    created_by: str | None
    created_at: int


class RetentionCounts(Struct, frozen=True):
    """How many rows were deleted, or are to be; `bytes` are those of the files."""

    messages: int = 0
    conversations: int = 0
    files: int = 0
    bytes: int = 0
    events: int = 0
    webhook_deliveries: int = 0
    audit_entries: int = 0

    def plus(self, other: "RetentionCounts") -> "RetentionCounts":
        """The sum of both."""
        return RetentionCounts(
            *(a + b for a, b in zip(structs.astuple(self), structs.astuple(other), strict=True))
        )


class RetentionRun(Struct, frozen=True):
    """The run of a tenant's rules that is going on, or the last one. `after_id` is the conversation
    up to which it is done. While it goes on, its lease is renewed; if that has ended
    (`lease_until`), it died with its process, and the next one continues it. `counts` is JSON text.
    Times are µs."""

    started_at: int
    finished_at: int | None
    lease_until: int
    after_id: str | None
    counts: str
