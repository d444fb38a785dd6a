"""The lease of scheduled backups, and how the last ones went: in the database.

The process that holds the lease makes the backup and renews it meanwhile: if it dies, another one
takes the lease when it has ended. A backup of the database has the lease in it as it was while it
was made; it has ended when that is restored.
"""

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from koine.kit.backup_rules import BackupSchedule, is_ahead
from koine.kit.times import HOUR, MINUTE, SECOND
from koine.store import server_values
from koine.store.core.db import Tx

LEASE_SECONDS = 120
"""Seconds after which a lease that is not renewed may be taken by another process."""
FIRST_PAUSE, LONGEST_PAUSE = 15 * MINUTE, 4 * HOUR
"""µs until a backup that failed is tried again: twice as long after each failure."""
LONGEST_ERROR = 1000

_NAME = "backup_lease"


class BackupLease(Struct, frozen=True, kw_only=True):
    """Who makes the scheduled backup, and how the last ones went. `holder` is the id of the
    process, "" for none, `node` the name of its machine, `lease_until` when the lease ends.

    `stored_at` is when the last backup was started that was stored; `failures` counts those that
    failed since the last good one, `error` says why the last did, at `failed_at`. One that was
    stored, but not verified, counts as both. Times are µs since the epoch.
    """

    holder: str = ""
    node: str = ""
    lease_until: int = 0
    stored_at: int | None = None
    failures: int = 0
    failed_at: int | None = None
    error: str = ""

    def is_held(self, now: int) -> bool:
        """Whether a process makes a backup now, as far as its lease says."""
        ends = now + LEASE_SECONDS * SECOND
        return bool(self.holder) and self.lease_until > now and not is_ahead(self.lease_until, ends)

    def is_due(self, schedule: BackupSchedule, now: int) -> bool:
        """Whether a backup is due, and a process may take the lease to make it."""
        if self.is_held(now) or not schedule.is_due(self.stored_at, now):
            return False
        pause = min(FIRST_PAUSE << min(max(self.failures - 1, 0), 10), LONGEST_PAUSE)
        failed_at = self.failed_at
        return failed_at is None or now >= failed_at + pause or is_ahead(failed_at, now)


class BackupOutcome(Struct, frozen=True, kw_only=True):
    """How a scheduled backup went: whether it was stored and where, how many older ones were
    removed, and what went wrong, "" for nothing."""

    stored: bool = False
    backup: str = ""
    removed: int = 0
    error: str = ""


async def get(tx: Tx) -> BackupLease:
    """The lease; that of no backup at all if there is none, or a newer Koine wrote another."""
    return _decode(await server_values.get(tx, _NAME) or "{}")


async def take(tx: Tx, schedule: BackupSchedule, holder: str, node: str, now: int) -> bool:
    """Take the lease, if a backup is due and nobody makes it; returns whether it was taken."""
    text = await server_values.get_or_insert(tx, _NAME, "{}")
    known = _decode(text)
    if not known.is_due(schedule, now):
        return False
    taken = replace(known, holder=holder, node=node, lease_until=now + LEASE_SECONDS * SECOND)
    return await server_values.replace(tx, _NAME, text, _encode(taken))


async def renew(tx: Tx, holder: str, now: int) -> bool:
    """Renew the lease; returns whether this process still held it."""
    return await _change(tx, holder, {"lease_until": now + LEASE_SECONDS * SECOND})


async def give_back(tx: Tx, holder: str) -> bool:
    """Give the lease back without a backup, so that another process takes it at once."""
    return await _change(tx, holder, {"holder": "", "node": "", "lease_until": 0})


async def end(tx: Tx, holder: str, started_at: int, now: int, outcome: BackupOutcome) -> bool:
    """Write how the backup went that was started at `started_at`, and end the lease; returns
    whether this process still held it. Times are µs."""
    known = await get(tx)
    changes: dict[str, object] = {"holder": "", "node": "", "lease_until": 0}
    if outcome.stored:
        changes["stored_at"] = started_at
    if outcome.error:
        changes |= {"failures": known.failures + 1, "failed_at": now, "error": outcome.error}
    else:
        changes |= {"failures": 0, "failed_at": None, "error": ""}
    return await _change(tx, holder, changes)


async def _change(tx: Tx, holder: str, changes: dict[str, object]) -> bool:
    text = await server_values.get(tx, _NAME) or "{}"
    known = _decode(text)
    if known.holder != holder:
        return False
    return await server_values.replace(tx, _NAME, text, _encode(replace(known, **changes)))


def _encode(known: BackupLease) -> str:
    return msgspec.json.encode(known).decode()


def _decode(text: str) -> BackupLease:
    try:
        return msgspec.json.decode(text, type=BackupLease)
    except msgspec.MsgspecError:
        return BackupLease()
