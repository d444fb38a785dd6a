"""Text from queries and forms, read as a Struct's field types say.

msgspec's own lax mode reads "null" as None and "1e3" as 1000; these values come from people's
address bars, so the reading here is narrow: digits are integers, and text stays text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import inspect

from koine.model.errors import Invalid

# A value of a form: text, a list of values, or a nested object ("a[b]=c").
Value = str | list["Value"] | dict[str, "Value"] | object
Reader = Callable[[str, Value], object]

_INTEGER = re.compile(r"-?[0-9]{1,16}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,16})?", re.ASCII)
_BOOLS: Final = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}
_MAX_INTEGER: Final = 2**53
_MAX_DEPTH: Final = 8


class FieldReader:
    """Reads a mapping of texts into plain values that `msgspec.convert` then checks strictly."""

    def __init__(self, struct: type, split_commas: bool) -> None:
        """`split_commas`: a list's text "a,b" is two items (queries), not one (forms)."""
        info = inspect.type_info(struct)
        if not isinstance(info, inspect.StructType):
            raise TypeError(f"{struct!r} is not a msgspec Struct")
        self._split = split_commas
        self._fields = self._readers(info, 0)

    def read(self, values: Mapping[str, Value]) -> dict[str, object]:
        """Give the known fields, typed; unknown names are left out. Raises Invalid(field, …)."""
        found: dict[str, object] = {}
        for name, value in values.items():
            reader = self._fields.get(name)
            if reader is None or (value == "" and reader in _NOT_TEXT):
                continue
            found[name] = reader(name, value)
        return found

    def _readers(self, info: inspect.StructType, depth: int) -> dict[str, Reader]:
        return {f.encode_name: self._reader(f.type, depth + 1) for f in info.fields}

    def _reader(self, kind: inspect.Type, depth: int) -> Reader:
        if depth > _MAX_DEPTH:
            return _as_is
        if isinstance(kind, inspect.Metadata):
            return self._reader(kind.type, depth)
        if isinstance(kind, inspect.UnionType):
            return self._union(kind, depth)
        if isinstance(kind, (inspect.ListType, inspect.VarTupleType, inspect.SetType)):
            return self._list(kind.item_type, depth)
        if isinstance(kind, inspect.StructType):
            return _nested(self._readers(kind, depth))
        return _scalar(kind)

    def _union(self, kind: inspect.UnionType, depth: int) -> Reader:
        inner = [t for t in kind.types if not isinstance(t, inspect.NoneType)]
        if len(inner) == 1:
            return self._reader(inner[0], depth)
        # Text, list or object, whichever was sent: nested names say which it is.
        nested = [self._reader(t, depth) for t in inner if isinstance(t, inspect.StructType)]
        return lambda name, value: (
            nested[0](name, value) if nested and isinstance(value, dict) else value
        )

    def _list(self, item: inspect.Type, depth: int) -> Reader:
        read = self._reader(item, depth + 1)

        def read_list(name: str, value: Value) -> object:
            if isinstance(value, dict):
                return value
            items = value if isinstance(value, list) else [value]
            if self._split:
                items = [part for text in items for part in str(text).split(",") if part]
            return [read(name, part) for part in items]

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
    return _last if isinstance(kind, (inspect.StrType, inspect.LiteralType)) else _as_is


def _nested(readers: Mapping[str, Reader]) -> Reader:
    def read(name: str, value: Value) -> object:
        if not isinstance(value, dict):
            return value
        known = ((key, readers.get(key), item) for key, item in value.items())
        return {key: r(f"{name}.{key}", item) for key, r, item in known if r is not None}

    return read


def _as_is(_name: str, value: Value) -> object:
    return value


def _last(_name: str, value: Value) -> object:
    # A name sent twice: the last one counts, as in every framework the clients grew up with.
    return value[-1] if isinstance(value, list) and value else value


def _integer(name: str, value: Value) -> object:
    text = _last(name, value)
    if not isinstance(text, str):
        return text
    if not _INTEGER.fullmatch(text) or abs(int(text)) > _MAX_INTEGER:
        raise Invalid(name, "must be an integer")
    return int(text)


def _number(name: str, value: Value) -> object:
    text = _last(name, value)
    if not isinstance(text, str):
        return text
    if not _NUMBER.fullmatch(text):
        raise Invalid(name, "must be a number")
    return float(text)


def _boolean(name: str, value: Value) -> object:
    text = _last(name, value)
    if not isinstance(text, str):
        return text
    if text.lower() not in _BOOLS:
        raise Invalid(name, "must be true or false")
    return _BOOLS[text.lower()]


_NOT_TEXT: Final = (_integer, _number, _boolean)
