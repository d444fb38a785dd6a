"""Structs with optional fields: `UNSET` stands for a field that was not provided."""

from typing import Any

from msgspec import UNSET, Struct, structs


def provided_fields(given: Struct) -> dict[str, Any]:
    """The fields that are not UNSET, by name; None counts as provided."""
    return {name: value for name, value in structs.asdict(given).items() if value is not UNSET}
