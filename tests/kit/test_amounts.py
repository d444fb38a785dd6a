"""Amounts in words."""

import pytest

from koine.kit.amounts import counted, duration, size


def test_times_and_sizes_have_the_unit_that_fits() -> None:
    assert [duration(s) for s in (0, 0.44, 3, 59, 120, 7200, 172_800)] == [
        "0 s", "0.4 s", "3 s", "59 s", "2 min", "2 h", "2 d",
    ]  # fmt: skip
    assert [size(n) for n in (512, 3 << 20, 5 << 30)] == ["0.5 KiB", "3.0 MiB", "5.0 GiB"]


@pytest.mark.parametrize(
    ("count", "words", "said"),
    [
        (1, ("value",), "1 value"),
        (0, ("value",), "0 values"),
        (1200, ("value",), "1,200 values"),
        (1, ("entry", "entries"), "1 entry"),
        (2, ("entry", "entries"), "2 entries"),
    ],
)
def test_one_is_singular(count: int, words: tuple[str, ...], said: str) -> None:
    assert counted(count, *words) == said
