"""Bodies read as Rails reads them: a value is coerced to its field's type where that is safe.

For a text field a number or boolean becomes its text; for an integer field "5" and 5.0 become 5;
for an object field an empty list or text, as PHP sends it, becomes an empty object (inbox.md, F).
Any other value is left as it is, and `msgspec.convert` then refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from msgspec import inspect

from koine.http.form_params import parse_nested
from koine.http.text_fields import BOOLS, NUMBER
from koine.kit.json import MAX_NUMBER
from koine.model.errors import Invalid

Reader = Callable[[object], object]

_WHOLE = re.compile(r"(-?[0-9]{1,16})(\.0+)?", re.ASCII)
_EMPTY: Final[tuple[object, ...]] = ([], "", [""])
_MAX_DEPTH: Final = 8


class CoercingBodyReader:
    """Reads the bodies of a route that takes forms, and its JSON bodies in the same way."""

    def __init__(self, struct: type) -> None:
        self._form = CoercingReader(struct, repeats=True)
        self._json = CoercingReader(struct, repeats=False)

    def pairs(self, pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
        """The fields of a form, from names such as "a[b]" and texts. Raises Malformed."""
        return self._form.read(parse_nested(pairs))

    def json(self, value: object) -> dict[str, object]:
        """The fields of a JSON object. Raises Invalid("body") for any other JSON value."""
        return self._json.read(value)


class CoercingReader:
    """Reads the values of a body into what `msgspec.convert` then checks strictly."""

    def __init__(self, struct: type, *, repeats: bool) -> None:
        """`repeats`: a name may occur several times (in forms and queries). A scalar field takes
        the last of its values, and a list field takes a single value as a list of one."""
        self._repeats = repeats
        self._read = self._reader(inspect.type_info(struct), 0)

    def read(self, value: object) -> dict[str, object]:
        """The known fields; unknown names are left out. Raises Invalid("body")."""
        found = self._read(value)
        if not isinstance(found, dict):
            raise Invalid("body", "must be an object")
        return found

    def _reader(self, kind: inspect.Type, depth: int) -> Reader:
        match kind:
            case inspect.Metadata():
                return self._reader(kind.type, depth)
            case inspect.UnionType():
                return self._union(kind, depth)
            case inspect.StructType() if depth < _MAX_DEPTH:
                return self._struct(kind, depth + 1)
            case inspect.ListType() if depth < _MAX_DEPTH:
                return self._list(kind, depth + 1)
            case inspect.DictType():
                return _object
            case inspect.StrType() | inspect.LiteralType():
                return self._one(_text)
            case inspect.IntType():
                return self._one(_integer)
            case inspect.FloatType():
                return self._one(_number)
            case inspect.BoolType():
                return self._one(_boolean)
        return _unchanged

    def _struct(self, kind: inspect.StructType, depth: int) -> Reader:
        readers = {field.encode_name: self._reader(field.type, depth) for field in kind.fields}

        def read(value: object) -> object:
            value = _object(value)
            if not isinstance(value, dict):
                return value
            return {name: readers[name](item) for name, item in value.items() if name in readers}

        return read

    def _list(self, kind: inspect.ListType, depth: int) -> Reader:
        reader = self._reader(kind.item_type, depth)

        def read(value: object) -> object:
            if self._repeats and not isinstance(value, dict | list):
                value = [value]
            return [reader(item) for item in value] if isinstance(value, list) else value

        return read

    def _union(self, kind: inspect.UnionType, depth: int) -> Reader:
        inner = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        if len(inner) == 1:
            return self._reader(inner[0], depth)
        objects = (inspect.StructType, inspect.DictType)
        of_object = next(
            (self._reader(k, depth) for k in inner if isinstance(k, objects)), _unchanged
        )
        of_list = next(
            (self._reader(k, depth) for k in inner if isinstance(k, inspect.ListType)), None
        )
        kinds = {type(each) for each in inner}
        is_text = inspect.StrType in kinds and inspect.BoolType not in kinds

        def read(value: object) -> object:
            if isinstance(value, list) and of_list is not None:
                return of_list(value)
            if isinstance(value, dict | list):
                return of_object(value)
            return _text(value) if is_text and isinstance(value, bool) else value

        return read if of_list is not None else self._one(read)

    def _one(self, reader: Reader) -> Reader:
        def read(value: object) -> object:
            return reader(value[-1] if isinstance(value, list) and value else value)

        return read if self._repeats else reader


def _unchanged(value: object) -> object:
    return value


def _object(value: object) -> object:
    return {} if value in _EMPTY else value


def _text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _integer(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, str):
        return value
    match = _WHOLE.fullmatch(value)
    if match and abs(number := int(match[1])) <= MAX_NUMBER:
        return number
    return value or None


def _number(value: object) -> object:
    if not isinstance(value, str):
        return value
    return float(value) if NUMBER.fullmatch(value) else value or None


def _boolean(value: object) -> object:
    if not isinstance(value, str):
        return value
    return BOOLS.get(value.lower(), value or None)
