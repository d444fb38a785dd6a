"""Durations and points in time as people type them: 7d, 12h, 2026-11-30."""

import re

from koine.cli.errors import CommandError
from koine.kit.times import DAY, HOUR, MINUTE, SECOND, parse_iso

_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_DURATION = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def parse_duration(text: str) -> int:
    """The µs of a whole number with a unit: `90s`, `30m`, `12h`, `7d`, `2w`; `0` is none. Raises
    CommandError."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        if text.strip() == "0":
            return 0
        raise CommandError(f"{text} is no duration, such as 90s, 30m, 12h, 7d or 2w")
    return int(found[1]) * _UNITS[found[2]]


def parse_since(text: str, now: int) -> int:
    """The time (µs) that was so long ago, as in `2h`, or that an ISO 8601 date or time names (UTC).
    Raises CommandError."""
    if _DURATION.fullmatch(text.strip()):
        return now - parse_duration(text)
    moment = f"{text.strip()}T00:00" if _DATE.fullmatch(text.strip()) else text.strip()
    try:
        return parse_iso(moment)
    except ValueError:
        raise CommandError(
            f"{text} is no time, such as 2h, 2026-11-30 or 2026-11-30T12:00"
        ) from None
