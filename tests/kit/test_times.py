import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koine.kit.times import DAY, iso_ms, millisecond_end, parse_iso, unix

NOON = 1_795_176_000_000_000
moments = st.datetimes(timezones=st.just(UTC))


def micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@given(moments)
def test_iso_comes_back_to_the_millisecond(moment: datetime) -> None:
    us = micros(moment)
    assert parse_iso(iso_ms(us)) == us // 1000 * 1000


@given(moments)
def test_iso_is_what_the_standard_library_writes(moment: datetime) -> None:
    theirs = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert iso_ms(micros(moment)) == theirs


@given(moments, st.integers(-23 * 60, 23 * 60))
def test_an_offset_is_taken_off(moment: datetime, minutes: int) -> None:
    sign, size = "-" if minutes < 0 else "+", abs(minutes)
    text = f"{moment.replace(tzinfo=None).isoformat()}{sign}{size // 60:02d}:{size % 60:02d}"
    wanted = micros(moment) - minutes * 60_000_000
    try:
        assert parse_iso(text) == wanted
    except ValueError:
        assert (
            not micros(datetime.min.replace(tzinfo=UTC))
            <= wanted
            <= micros(datetime.max.replace(tzinfo=UTC))
        )


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T12:00:00.000Z",
        "2026-11-20T12:00:00Z",
        "2026-11-20t12:00:00z",
        "2026-11-20T12:00Z",
        "2026-11-20 12:00:00",
        "2026-11-20T14:00:00+02:00",
        "2026-11-20T14:00:00+0200",
        "2026-11-20T07:00:00,000000000-05:00",
    ],
)
def test_spellings_of_noon(text: str) -> None:
    assert parse_iso(text) == NOON


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-20",
        "1795176000",
        "2026-11-20T12",
        "2026-11-20T24:00:00Z",
        "2026-11-20T12:60:00Z",
        "2026-11-20T12:00:60Z",
        "2026-02-30T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2026-11-20T12:00:00+24:00",
        "2026-11-20T12:00:00 02:00",
        "2026-11-20T12:00:00Z\n",
        "2026-11-20T12:00:00.Z",
        "٢٠٢٦-11-20T12:00:00Z",
        "20261120T120000Z",
        "2026-W47-5T12:00:00Z",
    ],
)
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_iso(text)


@given(st.text())
def test_any_text_is_a_moment_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        parse_iso(text)


@pytest.mark.parametrize("us", [-DAY * 365 * 1970 - DAY * 500, DAY * 365 * 8100])
def test_a_year_beyond_four_digits_is_not_written(us: int) -> None:
    with pytest.raises(ValueError):
        iso_ms(us)


def test_unix_seconds_are_whole() -> None:
    assert unix(NOON + 999_999) == 1_795_176_000


@pytest.mark.parametrize("offset", ["+01", "+0100", "+01:00"])
def test_an_offset_is_hours_alone_or_with_minutes(offset: str) -> None:
    assert parse_iso(f"2026-11-20T13:00:00{offset}") == parse_iso("2026-11-20T12:00:00Z")


def test_the_end_of_a_shown_millisecond() -> None:
    assert [millisecond_end(us) for us in (0, 999, 1_000)] == [999, 999, 1_999]
