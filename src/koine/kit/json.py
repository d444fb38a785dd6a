"""Read untrusted JSON: only values that both databases and every client can represent.

The scanner is the standard library's; what it lets through (NaN, 1e400, doubled keys, lone
surrogates, U+0000, any depth) is refused here. msgspec does the writing.
"""

import json
import re
from typing import Final

import msgspec

MAX_DEPTH: Final = 32
BOM: Final = "\ufeff"
"""A byte order mark; readers of request bodies remove it (RFC 8259, 8.1)."""
MAX_NUMBER: Final = 2**53

# A sign and 16 digits; JSON has no leading zeros, so whatever is longer is larger.
_LONGEST_INT = 17
_LONGEST_FLOAT = 400
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class BadJson(Exception):
    """The text is not accepted JSON. `reason` is a phrase for the API user."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def loads_strict(body: bytes) -> object:
    """The value of a UTF-8 JSON text of depth <= 32, whose numbers lie within ±2^53.

    Raises BadJson, and nothing else, for everything else.
    """
    try:
        value: object = _decoder.decode(body.decode())
    except UnicodeDecodeError:
        raise BadJson("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise BadJson(f"not JSON at line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise BadJson(f"nested deeper than {MAX_DEPTH}") from None
    # The scanner refuses a raw U+0000 and the decoder a raw surrogate: both need an escape.
    escapes = b"\\u" in body
    if escapes or body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _check_tree(value)
    return value


def json_text(value: object) -> str:
    """`value` as JSON text, as it is stored in columns of the database."""
    return msgspec.json.encode(value).decode()


def check_text(text: str) -> None:
    """Raises BadJson for U+0000 and lone surrogates, which the databases cannot store."""
    if _UNSTORABLE.search(text):
        raise BadJson("text with U+0000 or a lone surrogate")


def _int(text: str) -> int:
    if len(text) > _LONGEST_INT or not -MAX_NUMBER <= (number := int(text)) <= MAX_NUMBER:
        raise BadJson("number out of range")
    return number


def _float(text: str) -> float:
    if len(text) > _LONGEST_FLOAT or not -MAX_NUMBER <= (number := float(text)) <= MAX_NUMBER:
        raise BadJson("number out of range")
    return number


def _constant(text: str) -> object:
    raise BadJson(f"{text} is not a JSON number")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise BadJson("a key given twice in one object")
    return value


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_int, parse_float=_float, parse_constant=_constant
)


def _check_tree(value: object) -> None:
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        level = [child for item in level for child in _children(item)]
        if not level:
            return
    if any(isinstance(item, dict | list) for item in level):
        raise BadJson(f"nested deeper than {MAX_DEPTH}")
    for item in level:
        _children(item)


def _children(item: object) -> list[object]:
    if isinstance(item, dict):
        return [*item.keys(), *item.values()]
    if isinstance(item, list):
        return item
    if isinstance(item, str):
        check_text(item)
    return []
