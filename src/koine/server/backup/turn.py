"""Whose turn it is to make the scheduled backup, and how the last ones went: in the database.

The process that takes the turn holds a lease, which it renews while it works: if it dies, another
one takes over when the lease has ended. A backup of the database has the turn in it as it was while
it was made; its lease has ended when it is restored.
"""

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from koine.kit.backup_rules import BackupSchedule, is_ahead
from koine.kit.times import HOUR, MINUTE, SECOND
from koine.store import server_values
from koine.store.core.db import Tx

LEASE_SECONDS = 120
"""Seconds after which a turn that is not renewed may be taken by another process."""
FIRST_PAUSE, LONGEST_PAUSE = 15 * MINUTE, 4 * HOUR
"""µs until a backup that failed is tried again: twice as long after each failure."""
LONGEST_ERROR = 1000

_NAME = "backup_turn"


class BackupTurn(Struct, frozen=True, kw_only=True):
    """The state of scheduled backups. While one is made, `holder` is the id of its process, `node`
    the name of its machine, and `until` the end of the lease.

    `stored_at` is when the last one was started whose archive was stored; `failures` counts the
    backups that failed since the last good one, `error` says why the last did, at `failed_at`. An
    archive that was stored, but not verified, counts as both. Times are µs since the epoch.
    """

    holder: str = ""
    node: str = ""
    until: int = 0
    stored_at: int | None = None
    failures: int = 0
    failed_at: int | None = None
    error: str = ""

    def is_held(self, now: int) -> bool:
        """Whether a process makes a backup now, as far as its lease says."""
        ends = now + LEASE_SECONDS * SECOND
        return bool(self.holder) and self.until > now and not is_ahead(self.until, ends)

    def is_due(self, schedule: BackupSchedule, now: int) -> bool:
        """Whether a process may take the turn."""
        if self.is_held(now) or not schedule.is_due(self.stored_at, now):
            return False
        pause = min(FIRST_PAUSE << min(max(self.failures - 1, 0), 10), LONGEST_PAUSE)
        failed_at = self.failed_at
        return failed_at is None or now >= failed_at + pause or is_ahead(failed_at, now)


class BackupOutcome(Struct, frozen=True, kw_only=True):
    """How a scheduled backup went: whether an archive was stored and where, how many older ones
    were removed, and what went wrong, "" for nothing."""

    stored: bool = False
    archive: str = ""
    removed: int = 0
    error: str = ""


async def get(tx: Tx) -> BackupTurn:
    """The state; that of no backup at all if there is none, or a newer Koine wrote another."""
    return _decode(await server_values.get(tx, _NAME) or "{}")


async def take(tx: Tx, schedule: BackupSchedule, holder: str, node: str, now: int) -> bool:
    """Take the turn, if a backup is due and nobody makes it; returns whether it was taken."""
    text = await server_values.get_or_insert(tx, _NAME, "{}")
    turn = _decode(text)
    if not turn.is_due(schedule, now):
        return False
    taken = replace(turn, holder=holder, node=node, until=now + LEASE_SECONDS * SECOND)
    return await server_values.replace(tx, _NAME, text, _encode(taken))


async def renew(tx: Tx, holder: str, now: int) -> bool:
    """Renew the lease; returns whether it was still that of this process."""
    return await _change(tx, holder, {"until": now + LEASE_SECONDS * SECOND})


async def give_back(tx: Tx, holder: str) -> bool:
    """Give the turn back undone, so that another process takes it at once."""
    return await _change(tx, holder, {"holder": "", "node": "", "until": 0})


async def end(tx: Tx, holder: str, started_at: int, now: int, outcome: BackupOutcome) -> bool:
    """Write how the backup went that was started at `started_at`, and end the turn; returns whether
    it was still that of this process. Times are µs."""
    turn = await get(tx)
    changes: dict[str, object] = {"holder": "", "node": "", "until": 0}
    if outcome.stored:
        changes["stored_at"] = started_at
    if outcome.error:
        changes |= {"failures": turn.failures + 1, "failed_at": now, "error": outcome.error}
    else:
        changes |= {"failures": 0, "failed_at": None, "error": ""}
    return await _change(tx, holder, changes)


async def _change(tx: Tx, holder: str, changes: dict[str, object]) -> bool:
    text = await server_values.get(tx, _NAME) or "{}"
    turn = _decode(text)
    if turn.holder != holder:
        return False
    return await server_values.replace(tx, _NAME, text, _encode(replace(turn, **changes)))


def _encode(turn: BackupTurn) -> str:
    return msgspec.json.encode(turn).decode()


def _decode(text: str) -> BackupTurn:
    try:
        return msgspec.json.decode(text, type=BackupTurn)
    except msgspec.MsgspecError:
        return BackupTurn()
