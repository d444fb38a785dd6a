"""Which processes serve a database: each writes a record of itself into it, every few seconds.

`koine status` and `koine move` read them; nothing else depends on them. A process that ends removes
its record; that of one that was killed is deleted by the others, or by its successor, after
KEEP_SECONDS. On its own machine it is known to be gone at once, elsewhere after FRESH_SECONDS.
"""

import os
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from koine.kit.times import SECOND
from koine.store import server_values
from koine.store.core.db import Tx

RECORD_SECONDS = 10
"""Seconds between two records of a process."""
FRESH_SECONDS = 3 * RECORD_SECONDS + 5
"""Seconds after which a process that wrote no record counts as gone."""
LATE_SECONDS = 2 * RECORD_SECONDS
"""Seconds after which its last record says little about what it does now."""
KEEP_SECONDS = 600
"""Seconds after which the record of a process that is gone is deleted."""
MAX_RECORDS = 1000
"""The oldest are deleted beyond."""

_PREFIX = "process:"


class ProcessRecord(Struct, frozen=True, kw_only=True):
    """One serving process. `node` is the name of its machine; times are µs since the epoch;
    `failing` names the checks of /readyz that do not pass; `pid_space` is `own_pid_space()` of the
    process, "" of one of an older Koine."""

    id: str
    node: str
    pid: int
    url: str
    version: str
    started_at: int
    seen_at: int
    failing: list[str] = []
    streams: int = 0
    sends_per_second: float = 0.0
    event_lag_seconds: float = 0.0
    pid_space: str = ""

    def is_fresh(self, now: int) -> bool:
        """Whether the process serves, as far as its record says."""
        return now - self.seen_at <= FRESH_SECONDS * SECOND

    def serves(self, now: int) -> bool:
        """Whether the process serves: its record is fresh, and no process of this machine that has
        ended."""
        return self.is_fresh(now) and not self._has_ended()

    def _has_ended(self) -> bool:
        if not self.pid_space or self.pid_space != own_pid_space():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass
        return False


@cache
def own_pid_space() -> str:
    """In what this process has its id: the machine, since its last start, and on it the container;
    "" where the system does not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


async def save(tx: Tx, record: ProcessRecord) -> None:
    """Write the record of this process."""
    await server_values.put(tx, _PREFIX + record.id, msgspec.json.encode(record).decode())


async def remove(tx: Tx, id_: str) -> None:
    """This process ends."""
    await server_values.delete_one(tx, _PREFIX + id_)


async def list_all(tx: Tx) -> list[ProcessRecord]:
    """The records of all processes, by node and start. One of a newer Koine that cannot be read is
    left out."""
    found: list[ProcessRecord] = []
    for text in (await server_values.list_by_prefix(tx, _PREFIX)).values():
        try:
            found.append(msgspec.json.decode(text, type=ProcessRecord))
        except msgspec.MsgspecError:
            continue
    return sorted(found, key=lambda each: (each.node, each.started_at, each.pid))


async def delete_old(tx: Tx, now: int) -> int:
    """Delete the records of processes that are gone for KEEP_SECONDS; returns how many."""
    records = sorted(await list_all(tx), key=lambda each: each.seen_at)
    before = now - KEEP_SECONDS * SECOND
    surplus = len(records) - MAX_RECORDS
    old = [each for n, each in enumerate(records) if each.seen_at < before or n < surplus]
    for each in old:
        await remove(tx, each.id)
    return len(old)
