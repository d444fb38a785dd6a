"""Fields of a request, checked and converted to the engine's values; and the way back."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from koine.engine.core import attributes
from koine.http.request import AnyRequest
from koine.kit import structs
from koine.kit.json import json_text
from koine.kit.times import iso_ms, millisecond_end, parse_iso
from koine.model.errors import Invalid
from koine.model.ids import parse_id


def path_id(request: AnyRequest, name: str) -> str:
    """The id at `{name}` of the path ("user_id"). Raises Invalid(name) if it is not a UUID."""
    return parse_id(name, request.path[name])


def parse_optional_id(field: str, text: str | None) -> str | None:
    """As `parse_id`; None for None."""
    return None if text is None else parse_id(field, text)


def parse_ids(field: str, texts: Iterable[str] | None) -> tuple[str, ...]:
    """As `parse_id` for each; empty for None."""
    return tuple(parse_id(field, text) for text in texts or ())


def parse_time(field: str, text: str | None) -> int | None:
    """A time in µs; None for None. Raises Invalid(field)."""
    if text is None:
        return None
    try:
        return parse_iso(text)
    except ValueError:
        raise Invalid(field, "must be a date and time as ISO 8601 writes it") from None


def parse_end_time(field: str, text: str | None) -> int | None:
    """As `parse_time`, for the end of a range: the last µs of its millisecond. Responses show times
    in ms, so a range that ends at a shown time must include what happened at it."""
    us = parse_time(field, text)
    return None if us is None else millisecond_end(us)


def render_time(us: int | None) -> str | None:
    """A time in ISO 8601; None for None."""
    return None if us is None else iso_ms(us)


def raw_json(text: str) -> msgspec.Raw:
    """JSON text from the database, encoded as it is."""
    return msgspec.Raw(text.encode())


def render_attributes(text: str) -> msgspec.Raw:
    """Custom attributes as JSON. Those stored before there were limits are cut to the limits."""
    return raw_json(attributes.public_attributes(text))


def provided_fields(
    body: Struct, ids: Iterable[str] = (), objects: Iterable[str] = ()
) -> dict[str, Any]:
    """The fields that a body has (not UNSET), by name: `ids` checked, `objects` as JSON text.

    Raises Invalid for an id that is not a UUID.
    """
    values = structs.provided_fields(body)
    for name in ids:
        if name in values:
            values[name] = parse_optional_id(name, values[name])
    for name in objects:
        if values.get(name) is not None:
            values[name] = json_text(values[name])
    return values
