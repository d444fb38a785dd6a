"""Which bytes a Range header asks for (RFC 9110, 14.1.2)."""

import pytest

from koine.http.ranges import MAX_RANGES, Range, parse_ranges


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes=0-1", [Range(0, 2)]),
        ("bytes=5-", [Range(5, 10)]),
        ("bytes=-3", [Range(7, 10)]),
        ("bytes=-30", [Range(0, 10)]),
        ("bytes=0-99", [Range(0, 10)]),
        ("BYTES = 0-0", [Range(0, 1)]),
        ("bytes=0-1, 4-5", [Range(0, 2), Range(4, 6)]),
        ("bytes=0-1,,99-", [Range(0, 2)]),
        ("bytes=10-", []),
        ("bytes=-0", []),
        ("bytes=5-4", None),
        ("bytes=", None),
        ("bytes=x-y", None),
        ("bytes=--1", None),
        ("items=0-1", None),
        ("0-1", None),
        ("bytes=0-9,0-9", None),
        ("bytes=" + ",".join(["0-0"] * (MAX_RANGES + 1)), None),
        ("bytes=" + "9" * 30 + "-", None),
    ],
)
def test_ranges_are_read(text: str, expected: list[Range] | None) -> None:
    assert parse_ranges(text, 10) == expected


def test_an_empty_file_has_no_range() -> None:
    assert parse_ranges("bytes=0-", 0) == []
