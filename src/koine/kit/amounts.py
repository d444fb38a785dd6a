"""Amounts as people read them: how many of what, times, bytes."""


def counted(count: int, one: str, many: str = "") -> str:
    """How many of what: `1 value`, `1,200 values`; `many` where the plural is irregular."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """A time in the unit that fits it: `0.4 s`, `4 s`, `12 min`, `5 h`, `3 d`."""
    for unit, size_ in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size_:
            return f"{seconds / size_:.0f} {unit}"
    text = f"{seconds:.1f}" if seconds < 10 else f"{seconds:.0f}"
    return f"{text.removesuffix('.0')} s"


def size(count: int) -> str:
    """A number of bytes in the unit that fits it: `0.5 KiB`, `3.0 MiB`, `5.0 GiB`."""
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count / 1024:.1f} KiB"
