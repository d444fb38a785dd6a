"""Attribute bags: JSON objects whose names and values the client chooses.

Lists, streams and webhooks send a bag whole, so each is limited in bytes, values and depth, and
every check costs at most the length of its input. A bag that was stored before there were limits
is sent as far as it fits.
"""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from koine.kit.json import json_text
from koine.model.errors import Invalid


class AttributeLimits(Struct, frozen=True):
    """How large a bag may be: encoded bytes, values (names and items at every level), depth."""

    bytes: int
    values: int
    depth: int


ATTRIBUTES = AttributeLimits(16_384, 1000, 10)
"""Attributes and metadata of people, conversations and messages, and submitted forms."""
SETTINGS = AttributeLimits(65_536, 4000, 10)
"""Settings of inboxes and responders, which no list of conversations carries."""


def check(field: str, bag: str | None, limits: AttributeLimits = ATTRIBUTES) -> None:
    """Raise Invalid(field, "too_large") for the JSON text of a bag beyond the limits."""
    if bag is None:
        return
    _check_size(field, bag, limits)
    containers = bag.count("{") + bag.count("[")
    # Brackets and commas within strings can only add to these counts: when they are small enough,
    # the bag need not be parsed. That holds for most bags.
    if containers > limits.depth or containers + bag.count(",") > limits.values:
        _check_shape(field, msgspec.json.decode(bag), limits)


def check_values(
    field: str, bag: Mapping[str, object], limits: AttributeLimits = ATTRIBUTES
) -> None:
    """As `check`, for a bag that is parsed already. Values are counted first, as that is cheap."""
    _check_shape(field, bag, limits)
    _check_size(field, json_text(bag), limits)


def merged(field: str, old: str, new: Mapping[str, object]) -> dict[str, object]:
    """`new` over the bag `old` (JSON text), objects within objects too.

    Raises Invalid(field, "too_large") when either of them, or the result, is too large.
    """
    check_values(field, new)
    _check_size(field, old, ATTRIBUTES)
    result = _over(msgspec.json.decode(old, type=dict[str, object]), new)
    check_values(field, result)
    return result


def filled(first: str, second: str) -> dict[str, object]:
    """The bag `first` (JSON text) with what only `second` has added, as far as that fits."""
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


def fits(bag: Mapping[str, object], limits: AttributeLimits = ATTRIBUTES) -> dict[str, object]:
    """The bag, or of one that is too large the names and values that fit, in their order."""
    free, kept = limits.bytes - len("{}"), dict[str, object]()
    for name, value in bag.items():
        size = len(msgspec.json.encode({name: value})) - 1
        if len(kept) == limits.values:
            break
        if size <= free:
            free -= size
            kept[name] = value
    return kept


def public_attributes(bag: str) -> str:
    """The JSON text of a bag as it is sent: of one that is too large, what fits."""
    if len(bag) <= ATTRIBUTES.bytes:
        return bag
    return json_text(fits(msgspec.json.decode(bag)))


def only_named(bag: str, names: Iterable[str]) -> dict[str, object]:
    """The values of these names alone in the JSON text of a bag, as far as they fit."""
    wanted = frozenset(names)
    if bag == "{}" or not wanted:
        return {}
    values = msgspec.json.decode(bag, type=dict[str, object])
    found = {name: value for name, value in values.items() if name in wanted}
    return found if len(bag) <= ATTRIBUTES.bytes else fits(found)


def _over(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, object]:
    """The recursion is bounded: the JSON parser limits the depth."""
    result = dict(old)
    for key, value in new.items():
        before = result.get(key)
        both = isinstance(before, dict) and isinstance(value, dict)
        result[key] = _over(before, value) if both else value  # type: ignore[arg-type]  # both are objects
    return result


def _check_size(field: str, bag: str, limits: AttributeLimits) -> None:
    if len(bag) > limits.bytes or len(bag.encode()) > limits.bytes:
        raise _too_large(field, f"is too large (maximum is {limits.bytes} bytes)")


def _check_shape(field: str, bag: object, limits: AttributeLimits) -> None:
    """Count level by level, and stop at the first that exceeds the limit."""
    level, count = [bag], 0
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
