"""Query strings: parsed into pairs, then into the route's query Struct."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import structs

from koine.http.text_fields import TextFieldReader, Value
from koine.http.validation_errors import from_validation
from koine.kit.json import BadJson, check_text
from koine.model.errors import Invalid, Malformed

T = TypeVar("T")
Pairs = dict[str, list[str]]
_MAX_PAIRS = 1000


class BadQuery(Invalid):
    """A query parameter has a bad value; some dialects render this unlike a bad body field."""


def parse_pairs(raw: bytes) -> Pairs:
    """Read "a=1&b=2" (urlencoded UTF-8) into values by name, in order. Raises Malformed."""
    pairs: Pairs = {}
    parts = raw.split(b"&")
    if len(parts) > _MAX_PAIRS:
        raise Malformed("too many fields")
    for part in parts:
        if part:
            name, _, value = part.partition(b"=")
            pairs.setdefault(_text(name), []).append(_text(value))
    return pairs


def non_empty_values(pairs: Mapping[str, list[str]]) -> dict[str, Value]:
    """Give values by name: empty values count as absent, "a[]" is the list "a"."""
    found: dict[str, Value] = {}
    for name, values in pairs.items():
        kept: list[Value] = [value for value in values if value]
        bare = name.removesuffix("[]")
        if bare in found:
            before = found[bare]
            kept = [*(before if isinstance(before, list) else [before]), *kept]
        if kept:
            found[bare] = kept[0] if len(kept) == 1 and bare == name else kept
    return found


class QueryReader(Generic[T]):
    """Reads a query string into one Struct type."""

    def __init__(self, struct: type[T]) -> None:
        self._struct = struct
        self._fields = TextFieldReader(struct)
        config = struct.__struct_config__  # type: ignore[attr-defined]  # a Struct
        shared = config.frozen and not any(f.required for f in structs.fields(struct))  # type: ignore[arg-type]  # a Struct
        self._empty = msgspec.convert({}, struct) if shared else None

    def read(self, pairs: Mapping[str, list[str]]) -> T:
        """Give the Struct. Raises BadQuery(field, reason) for a bad value."""
        if not pairs and self._empty is not None:
            return self._empty
        try:
            return msgspec.convert(self._fields.read(non_empty_values(pairs)), self._struct)
        except msgspec.ValidationError as error:
            bad = from_validation(error)
        except Invalid as refusal:
            bad = refusal
        raise BadQuery(bad.field, bad.reason, bad.message)


def _text(raw: bytes) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        raw = unquote_to_bytes(raw)
    try:
        text = raw.decode("utf-8")
        check_text(text)
    except UnicodeDecodeError:
        raise Malformed("the text is not UTF-8") from None
    except BadJson as error:
        raise Malformed(error.reason) from None
    return text
