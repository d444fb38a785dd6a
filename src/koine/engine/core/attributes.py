"""Attributes: JSON objects whose names and values the client chooses.

Lists, streams and webhooks send them complete, so they are limited in bytes, values and depth, and
every check costs at most the length of its input. Attributes that were stored before there were
limits are cut to them when they are sent.
"""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from koine.kit.json import json_text
from koine.model.errors import Invalid


class AttributeLimits(Struct, frozen=True):
    """How large an object may be: encoded bytes, values (names and items at each level), depth."""

    bytes: int
    values: int
    depth: int


ATTRIBUTES = AttributeLimits(16_384, 1000, 10)
"""Attributes and metadata of people, conversations and messages, and submitted forms."""
SETTINGS = AttributeLimits(65_536, 4000, 10)
"""Settings of inboxes and responders, which no list of conversations carries."""


def check(field: str, text: str | None, limits: AttributeLimits = ATTRIBUTES) -> None:
    """Raise Invalid(field, "too_large") for attributes (JSON text) beyond the limits."""
    if text is None:
        return
    _check_size(field, text, limits)
    containers = text.count("{") + text.count("[")
    # Brackets and commas within strings can only add to these counts: while they are small enough,
    # which is nearly always, the text need not be parsed.
    if containers > limits.depth or containers + text.count(",") > limits.values:
        _check_shape(field, msgspec.json.decode(text), limits)


def check_values(
    field: str, values: Mapping[str, object], limits: AttributeLimits = ATTRIBUTES
) -> None:
    """As `check`, for parsed attributes. Values are counted first, as that is cheap."""
    _check_shape(field, values, limits)
    _check_size(field, json_text(values), limits)


def merged(field: str, old: str, new: Mapping[str, object]) -> dict[str, object]:
    """`new` over the attributes `old` (JSON text), objects within objects too.

    Raises Invalid(field, "too_large") when either of them, or the result, is too large.
    """
    check_values(field, new)
    _check_size(field, old, ATTRIBUTES)
    result = _over(msgspec.json.decode(old, type=dict[str, object]), new)
    check_values(field, result)
    return result


def filled(first: str, second: str) -> dict[str, object]:
    """The attributes `first` (JSON text) with those that only `second` has, if they fit."""
    own = msgspec.json.decode(first, type=dict[str, object])
    if len(first) > ATTRIBUTES.bytes or second == "{}":
        return own
    other = fits(msgspec.json.decode(second, type=dict[str, object]))
    whole = _over(other, own)
    try:
        check_values("", whole)
    except Invalid:
        return own
    return whole


def fits(values: Mapping[str, object], limits: AttributeLimits = ATTRIBUTES) -> dict[str, object]:
    """The attributes, those that fit within the limits, in their order."""
    free, kept = limits.bytes - len("{}"), dict[str, object]()
    for name, value in values.items():
        size = len(msgspec.json.encode({name: value})) - 1
        if len(kept) == limits.values:
            break
        if size <= free:
            free -= size
            kept[name] = value
    return kept


def public_attributes(text: str) -> str:
    """Attributes (JSON text) as they are sent: without those beyond the limits."""
    if len(text) <= ATTRIBUTES.bytes:
        return text
    return json_text(fits(msgspec.json.decode(text)))


def only_named(text: str, names: Iterable[str]) -> dict[str, object]:
    """Those attributes (JSON text) that have these names, as far as they fit."""
    wanted = frozenset(names)
    if text == "{}" or not wanted:
        return {}
    values = msgspec.json.decode(text, type=dict[str, object])
    found = {name: value for name, value in values.items() if name in wanted}
    return found if len(text) <= ATTRIBUTES.bytes else fits(found)


def _over(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, object]:
    """The recursion is bounded: the JSON parser limits the depth."""
    result = dict(old)
    for key, value in new.items():
        before = result.get(key)
        both = isinstance(before, dict) and isinstance(value, dict)
        result[key] = _over(before, value) if both else value  # type: ignore[arg-type]  # both are objects
    return result


def _check_size(field: str, text: str, limits: AttributeLimits) -> None:
    if len(text) > limits.bytes or len(text.encode()) > limits.bytes:
        raise _too_large(field, f"is too large (maximum is {limits.bytes} bytes)")


def _check_shape(field: str, values: object, limits: AttributeLimits) -> None:
    """Count level by level, and stop at the first that exceeds the limit."""
    level, count = [values], 0
    for _ in range(limits.depth):
        below: list[object] = []
        for each in level:
            if not isinstance(each, dict | list):
                continue
            count += len(each)
            if count > limits.values:
                raise _too_large(field, f"has too many values (maximum is {limits.values})")
            below += each.values() if isinstance(each, dict) else each
        level = below
    if any(isinstance(each, dict | list) for each in level):
        raise _too_large(field, f"is nested too deep (maximum is {limits.depth} levels)")


def _too_large(field: str, why: str) -> Invalid:
    return Invalid(field, "too_large", f"{field} {why}")
