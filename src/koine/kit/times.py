"""Times as microseconds since the epoch (UTC), formatted and parsed."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

MILLISECOND: Final = 1_000
SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
EARLIEST: Final = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
LATEST: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r"(?:[Zz]|([+-])([01]\d|2[0-3])(?::?([0-5]\d))?)?",
    re.ASCII,
)


# Lists are read repeatedly and contain the same times: 0.05 µs instead of 0.5.
@lru_cache(maxsize=16_384)
def iso_ms(us: int) -> str:
    """`2026-11-20T12:00:00.000Z`; what is finer than a millisecond is cut off.

    Raises ValueError outside the years 1 to 9999.
    """
    minute, rest = divmod(us, MINUTE)
    return f"{_minute(minute)}{rest // SECOND:02d}.{rest % SECOND // 1000:03d}Z"


def unix(us: int) -> int:
    """Whole seconds since the epoch."""
    return us // SECOND


def parse_iso(text: str) -> int:
    """Microseconds of an ISO 8601 date and time; without an offset it is UTC.

    Seconds and an offset's minutes may be left out, digits beyond the sixth are cut off. Raises
    ValueError for anything else, a date alone included, and outside the years 1 to 9999.
    """
    found = _ISO.fullmatch(text)
    if found is None:
        raise ValueError("not an ISO 8601 date and time")
    year, month, day, hour, minute, second, fraction, sign, off_h, off_m = found.groups()
    micro = int((fraction or "0").ljust(6, "0")[:6])
    local = datetime(
        int(year), int(month), int(day), int(hour), int(minute), int(second or 0), micro, UTC
    )
    us = (local - _EPOCH) // _MICROSECOND
    if sign:
        offset = int(off_h) * HOUR + int(off_m or 0) * MINUTE
        us += -offset if sign == "+" else offset
    if not EARLIEST <= us <= LATEST:
        raise ValueError("outside the years 1 to 9999")
    return us


def millisecond_end(us: int) -> int:
    """The last µs of the millisecond: times are shown cut off to milliseconds (`iso_ms`), so a
    range up to what was shown takes in all that was shown so."""
    return us + MILLISECOND - 1 - us % MILLISECOND


# Neighbouring messages share their minute, so a list formats its date once.
@lru_cache(maxsize=1_024)
def _minute(minute: int) -> str:
    if not EARLIEST <= minute * MINUTE <= LATEST:
        raise ValueError("outside the years 1 to 9999")
    moment = _EPOCH + timedelta(minutes=minute)
    # some C libraries do not pad years in strftime
    return f"{moment.year:04d}-{moment:%m-%dT%H:%M}:"
