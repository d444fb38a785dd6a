"""msgspec's validation messages as `Invalid(field, reason)`, with reasons for API users."""

from __future__ import annotations

import re

from koine.model.errors import Invalid

_AT = re.compile(r"^(?P<what>.*?)(?: - at (?P<key>`key` in )?`\$(?P<path>.*)`)?$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`")
_TYPES = re.compile(r"Expected `(?P<types>[^`]*)`(?P<rest>.*)", re.DOTALL)
_INDEX = re.compile(r"\[(\d+)\]")
_WORDS = {"str": "a string", "int": "an integer", "float": "a number", "bool": "true or false"}
_WORDS |= {"object": "an object", "array": "an array", "uuid": "a UUID", "datetime": "a date-time"}


def from_validation(error: Exception) -> Invalid:
    """Turn a msgspec.ValidationError into Invalid; `field` is dotted ("participants.0.user_id").

    An error of the whole body has the field "body".
    """
    match = _AT.match(str(error))
    if match is None:
        return Invalid("body", "is invalid")
    path = _INDEX.sub(r".\1", match["path"] or "").replace("[...]", "").strip(".")
    missing = _MISSING.match(match["what"])
    if missing:
        return Invalid(f"{path}.{missing['name']}".strip("."), "is required")
    if match["key"]:
        return Invalid(path or "body", "has a key of a wrong type")
    return Invalid(path or "body", _reason(match["what"]))


def _reason(what: str) -> str:
    if what.startswith("Invalid enum value"):
        return "is not one of the allowed values"
    if what.startswith("Invalid "):
        return f"is not a valid {what[8:]}"
    match = _TYPES.match(what)
    if match is None:
        return "is invalid"
    wanted = " or ".join(_WORDS.get(word, word) for word in match["types"].split(" | "))
    rest = match["rest"]
    if ", got" in rest:
        return f"must be {wanted}"
    # Regular expressions do not belong into error texts.
    return "has a wrong format" if "regex" in rest else f"must be {wanted}{rest}"
