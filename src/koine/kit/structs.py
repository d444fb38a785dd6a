"""Structs whose fields may be left out: `UNSET` is what nobody gave."""

from typing import Any

from msgspec import UNSET, Struct, structs


def provided_fields(given: Struct) -> dict[str, Any]:
    """The fields that were given, by name; None is given, too."""
    return {name: value for name, value in structs.asdict(given).items() if value is not UNSET}
