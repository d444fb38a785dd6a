"""When backups are due, and how retentions are read."""

import pytest

from koine.kit.backup_rules import BadRule, parse_retention, parse_schedule, period
from koine.kit.times import DAY, HOUR, MINUTE, parse_iso

NIGHT = parse_iso("2026-11-30T03:15")


def test_a_daily_backup_is_due_once_a_day() -> None:
    daily = parse_schedule("daily@03:15")
    assert daily.is_due(None, NIGHT)
    assert not daily.is_due(NIGHT + 1, NIGHT + DAY - 1)
    assert daily.is_due(NIGHT + 1, NIGHT + DAY)
    assert not daily.is_due(NIGHT + DAY, NIGHT + DAY + HOUR)


def test_a_missed_daily_backup_is_due_at_once() -> None:
    daily = parse_schedule("daily@03:15")
    assert daily.is_due(NIGHT - 2 * DAY, NIGHT - MINUTE)


@pytest.mark.parametrize(("text", "length"), [("6h", 6 * HOUR), ("2d", 2 * DAY), ("1w", 7 * DAY)])
def test_an_interval_counts_from_the_backup_before(text: str, length: int) -> None:
    every = parse_schedule(text)
    assert every.is_due(None, NIGHT)
    assert not every.is_due(NIGHT, NIGHT + length - 1)
    assert every.is_due(NIGHT, NIGHT + length)


@pytest.mark.parametrize("text", ["6h", "daily@03:15"])
def test_after_a_clock_that_was_wrong_a_backup_is_due(text: str) -> None:
    schedule = parse_schedule(text)
    assert schedule.is_due(NIGHT + 365 * DAY, NIGHT)
    assert not schedule.is_due(NIGHT + MINUTE, NIGHT), "the clocks of nodes differ"


@pytest.mark.parametrize(
    "text", ["", "daily", "daily@24:00", "daily@3:15", "0h", "5m", "6h 2d", "٣h"]
)
def test_another_schedule_is_refused(text: str) -> None:
    with pytest.raises(BadRule, match="daily@HH:MM"):
        parse_schedule(text)


def test_a_retention_has_a_number_for_each_unit() -> None:
    assert parse_retention("24h, 7d,4w,6m,2y").counts == {"h": 24, "d": 7, "w": 4, "m": 6, "y": 2}
    assert parse_retention("3").counts == {"": 3}


@pytest.mark.parametrize("text", ["", "d", "7d,", "7d,3d", "0d", "-1d", "7 d", "10001d", "7x"])
def test_another_retention_is_refused(text: str) -> None:
    with pytest.raises(BadRule, match="each unit once"):
        parse_retention(text)


@pytest.mark.parametrize(
    ("unit", "name"),
    [
        ("h", "2027-01-01T00"),
        ("d", "2027-01-01"),
        ("w", "2026-W53"),
        ("m", "2027-01"),
        ("y", "2027"),
    ],
)
def test_a_period_is_one_of_the_calendar_in_utc(unit: str, name: str) -> None:
    new_year = parse_iso("2027-01-01T00:30+00:00")
    assert period(unit, new_year) == name
    assert period(unit, new_year - HOUR) != name or unit == "w"
