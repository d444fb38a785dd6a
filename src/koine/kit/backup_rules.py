"""When a backup is due and which backups are kept, as settings and options say it in a few words.

daily@03:15         a schedule: every day at 03:15 UTC
6h, 2d, 1w          a schedule: so long after the start of the one before
7d,4w,6m            a retention: the newest backup of each of 7 days, 4 weeks and 6 months
"""

import re
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from koine.kit.times import DAY, HOUR, MINUTE, SECOND

MAX_KEPT: Final = 10_000
CLOCKS_DIFFER: Final = HOUR
"""µs by which the clocks of nodes may differ. A time that is further ahead is of a clock that was
wrong."""
_LENGTHS: Final = {"h": HOUR, "d": DAY, "w": 7 * DAY}
_EVERY = re.compile(r"([1-9]\d{0,3})([hdw])", re.ASCII)
_DAILY = re.compile(r"daily@([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_PART = re.compile(r"([1-9]\d{0,4})([hdwmy]?)", re.ASCII)
_PERIODS: Final = {"h": "%Y-%m-%dT%H", "d": "%Y-%m-%d", "w": "%G-W%V", "m": "%Y-%m", "y": "%Y"}


class BadRule(Exception):
    """The text is no schedule or no retention; the message says what is accepted."""


class BackupSchedule(Struct, frozen=True):
    """A backup every `every` µs: `at` is the time of the day (µs, UTC) of a daily one, None for one
    that counts from the start of the backup before."""

    every: int
    at: int | None = None

    def is_due(self, last: int | None, now: int) -> bool:
        """Whether a backup is due; `last` is when the last good one was started. Times are µs. One
        that was missed, as nothing served, is due at once; so is one after a `last` that a wrong
        clock wrote."""
        if last is None or is_ahead(last, now):
            return True
        if self.at is None:
            return now - last >= self.every
        return last < (now - self.at) // DAY * DAY + self.at


class BackupRetention(Struct, frozen=True):
    """How many backups are kept of each unit: `h`, `d`, `w`, `m` (calendar hours, days, ISO weeks,
    months), `y` (years), all in UTC; "" is the newest ones."""

    counts: dict[str, int]


def is_ahead(time: int, now: int) -> bool:
    """Whether a time (µs) that was written earlier is of a clock that was wrong then."""
    return time > now + CLOCKS_DIFFER


def parse_schedule(text: str) -> BackupSchedule:
    """Read a schedule. Raises BadRule."""
    if found := _EVERY.fullmatch(text):
        return BackupSchedule(int(found[1]) * _LENGTHS[found[2]])
    if found := _DAILY.fullmatch(text):
        return BackupSchedule(DAY, int(found[1]) * HOUR + int(found[2]) * MINUTE)
    raise BadRule("must be daily@HH:MM (UTC), or a number of hours, days or weeks: 6h, 1d, 1w")


def parse_retention(text: str) -> BackupRetention:
    """Read a retention. Raises BadRule."""
    counts: dict[str, int] = {}
    for part in text.split(","):
        found = _PART.fullmatch(part.strip())
        if found is None or found[2] in counts or int(found[1]) > MAX_KEPT:
            raise BadRule(
                "must be numbers of hours, days, weeks, months and years, each unit once: "
                "7d,4w,6m; a number alone is that of the newest backups"
            )
        counts[found[2]] = int(found[1])
    return BackupRetention(counts)


def period(unit: str, at: int) -> str:
    """The name of the hour, day, week, month or year (UTC) that contains the time `at` (µs); for
    the unit "" every time is its own."""
    if not unit:
        return str(at)
    return datetime.fromtimestamp(at // SECOND, UTC).strftime(_PERIODS[unit])
