"""What a tenant's rules delete: reads it, for a run that deletes it and for one that counts it."""

from collections.abc import AsyncIterator
from itertools import groupby

from msgspec import Struct

from koine.engine.core.engine import Engine
from koine.engine.retention.message_deletion import MessageRange
from koine.kit.times import DAY
from koine.model.retention import RetentionPeriods, RetentionRules
from koine.store.retention import due
from koine.store.retention.due import Due, OldFile, OldRange

WINDOW = 2000
"""Conversations that are looked at in one read."""
PAGE = 100
"""Conversations with something to delete, of one read."""
FOREVER = (1 << 62) - 1
"""Later than any time, and more than any number of messages."""


class Plan(Struct, frozen=True):
    """The rules of a tenant at a time (µs)."""

    tenant_id: str
    rules: RetentionRules
    now: int
    event_days: int
    webhook_delivery_days: int

    @property
    def periods(self) -> RetentionPeriods:
        """The tenant's own."""
        return self.rules.tenant

    @property
    def ends_conversations(self) -> bool:
        """Whether conversations are deleted as a whole."""
        own = any(each.conversations for each in self.rules.inboxes.values())
        return own or bool(self.periods.conversations)

    @property
    def deletes_messages(self) -> bool:
        """Whether single messages are deleted."""
        own = any(each.messages for each in self.rules.inboxes.values())
        return own or bool(self.periods.messages)

    def before(self, days: int | None) -> int | None:
        """The time before which something is too old; None where it is kept."""
        return None if not days else self.now - days * DAY

    @property
    def events_before(self) -> int | None:
        """As `before`, of events, which are never kept shorter than the server's setting says."""
        days = self.periods.events
        return None if days is None else self.before(max(days, self.event_days))

    @property
    def deliveries_before(self) -> int | None:
        """As `before`, of webhook deliveries."""
        days = self.periods.webhook_deliveries
        return None if days is None else self.before(max(days, self.webhook_delivery_days))

    @property
    def audit_before(self) -> int | None:
        """As `before`, of entries of the audit log."""
        return self.before(self.periods.audit)


class PlannedRange(Struct, frozen=True):
    """The oldest messages of a conversation that are to be deleted; `files` go with them."""

    of: Due
    range: MessageRange
    files: list[OldFile]

    @property
    def size(self) -> int:
        """How many messages."""
        return self.range.seq - self.of.deleted_seq

    @property
    def rest(self) -> Due:
        """The conversation after the range was deleted."""
        return self.of._replace(deleted_seq=self.range.seq)


async def windows(engine: Engine, plan: Plan, after: str) -> AsyncIterator[tuple[str, str]]:
    """The tenant's conversations after an id, in the order of ids, as pairs of the id before the
    first and that of the last."""
    while end := await engine.db.read_long(plan.tenant_id, due.window_end, after, WINDOW):
        yield after, end
        after = end


async def ended(engine: Engine, plan: Plan, window: tuple[str, str]) -> AsyncIterator[list[Due]]:
    """The conversations of a window that are to be deleted as a whole, a page at a time."""
    async for page in _pages(engine, plan, window, whole=True):
        yield page


async def with_old_messages(
    engine: Engine, plan: Plan, window: tuple[str, str]
) -> AsyncIterator[list[Due]]:
    """The conversations of a window with messages that are too old, a page at a time."""
    async for page in _pages(engine, plan, window, whole=False):
        yield page


async def _pages(
    engine: Engine, plan: Plan, window: tuple[str, str], *, whole: bool
) -> AsyncIterator[list[Due]]:
    kind = "conversations" if whole else "messages"
    read = due.conversations_in if whole else due.messages_in
    values = {"now": plan.now, f"{kind}_days": getattr(plan.periods, kind), "limit": PAGE}
    after, end = window
    while page := await engine.db.read_long(plan.tenant_id, read, (after, end), values):
        yield page
        after = page[-1].conversation_id


async def ranges(engine: Engine, plan: Plan, found: list[Due], most: int) -> list[PlannedRange]:
    """The oldest messages of each conversation that are to be deleted, at most `most` of each, and
    the files that go with the last of them."""
    # One more than wanted, to know which range is the last of its conversation.
    wanted = [
        (d.conversation_id, d.deleted_seq, min(d.deleted_seq + most + 1, FOREVER), d.before)
        for d in found
    ]
    by_id = {d.conversation_id: d for d in found}
    old = await engine.db.read_long(plan.tenant_id, due.old_up_to, wanted)
    last = [each for each in old if each.seq - by_id[each.conversation_id].deleted_seq <= most]
    files = await _files(engine, plan, [(by_id[each.conversation_id], each) for each in last])
    planned = []
    for each in old:
        of = by_id[each.conversation_id]
        stored = files.get(of.conversation_id, [])
        until = min(each.seq, of.deleted_seq + most)
        ids = [file.id for file in stored]
        planned.append(PlannedRange(of, MessageRange(of.conversation_id, until, ids), stored))
    return planned


async def _files(
    engine: Engine, plan: Plan, done: list[tuple[Due, OldRange]]
) -> dict[str, list[OldFile]]:
    """The files that no message refers to when these messages are deleted, by conversation."""
    unused: dict[str, list[OldFile]] = {}
    until = {each.conversation_id: each.seq for _, each in done}
    for before, group in groupby(sorted(done, key=lambda d: d[0].before), lambda d: d[0].before):
        ids = [each.conversation_id for _, each in group]
        found = await engine.db.read_long(plan.tenant_id, due.old_files_of, ids, before)
        for conversation_id, files in groupby(
            sorted(found, key=lambda f: f.conversation_id or ""), lambda f: f.conversation_id or ""
        ):
            of = list(files)
            used = await engine.db.read_long(
                plan.tenant_id, due.referenced, of, until[conversation_id]
            )
            unused[conversation_id] = [file for file in of if file.id not in used]
    return unused
