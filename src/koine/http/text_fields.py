"""Text from query strings, parsed by the types of a Struct's fields.

msgspec's own lax mode reads "null" as None and "1e3" as 1000. This is stricter: an integer is
digits, and a text field takes any text as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import inspect

from koine.kit.json import MAX_NUMBER
from koine.model.errors import Invalid

# A value of a form: text, a list of values, or a nested object ("a[b]=c").
Value = str | list["Value"] | dict[str, "Value"] | object
Reader = Callable[[str, Value], object]

_INTEGER = re.compile(r"-?[0-9]{1,16}", re.ASCII)
NUMBER = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,16})?", re.ASCII)
BOOLS: Final = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}


class TextFieldReader:
    """Reads a mapping of texts into plain values that `msgspec.convert` then checks strictly."""

    def __init__(self, struct: type) -> None:
        info = inspect.type_info(struct)
        if not isinstance(info, inspect.StructType):
            raise TypeError(f"{struct!r} is not a msgspec Struct")
        self._fields = {field.encode_name: _reader(field.type) for field in info.fields}

    def read(self, values: Mapping[str, Value]) -> dict[str, object]:
        """Give the known fields, typed; unknown names are left out. Raises Invalid(field, …)."""
        found: dict[str, object] = {}
        for name, value in values.items():
            reader = self._fields.get(name)
            if reader is None or (value == "" and reader in _NOT_TEXT):
                continue
            found[name] = reader(name, value)
        return found


def _reader(kind: inspect.Type) -> Reader:
    if isinstance(kind, inspect.Metadata):
        return _reader(kind.type)
    if isinstance(kind, inspect.UnionType):
        inner = [t for t in kind.types if not isinstance(t, inspect.NoneType)]
        return _reader(inner[0]) if len(inner) == 1 else _unchanged
    if isinstance(kind, (inspect.ListType, inspect.VarTupleType, inspect.SetType)):
        return _list(_reader(kind.item_type))
    return _scalar(kind)


def _list(read: Reader) -> Reader:
    """A list's text "a,b" is two items."""

    def read_list(name: str, value: Value) -> object:
        items = value if isinstance(value, list) else [value]
        parts = [part for text in items for part in str(text).split(",") if part]
        return [read(name, part) for part in parts]

    return read_list


def _scalar(kind: inspect.Type) -> Reader:
    if isinstance(kind, inspect.IntType):
        return _integer
    if isinstance(kind, inspect.FloatType):
        return _number
    if isinstance(kind, inspect.BoolType):
        return _boolean
    if isinstance(kind, inspect.LiteralType) and all(isinstance(v, int) for v in kind.values):
        return _integer
    return _last_value if isinstance(kind, (inspect.StrType, inspect.LiteralType)) else _unchanged


def _unchanged(_name: str, value: Value) -> object:
    return value


def _last_value(_name: str, value: Value) -> object:
    # Of a repeated name the last value counts, as in most web frameworks.
    return value[-1] if isinstance(value, list) and value else value


def _integer(name: str, value: Value) -> object:
    text = _last_value(name, value)
    if not isinstance(text, str):
        return text
    if not _INTEGER.fullmatch(text) or abs(int(text)) > MAX_NUMBER:
        raise Invalid(name, "must be an integer")
    return int(text)


def _number(name: str, value: Value) -> object:
    text = _last_value(name, value)
    if not isinstance(text, str):
        return text
    if not NUMBER.fullmatch(text):
        raise Invalid(name, "must be a number")
    return float(text)


def _boolean(name: str, value: Value) -> object:
    text = _last_value(name, value)
    if not isinstance(text, str):
        return text
    if text.lower() not in BOOLS:
        raise Invalid(name, "must be true or false")
    return BOOLS[text.lower()]


_NOT_TEXT: Final = (_integer, _number, _boolean)
