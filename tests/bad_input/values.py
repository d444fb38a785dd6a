"""Invalid values: of JSON, of fields, of numbers and of ids."""

import json
from typing import Any

DEEP = 33
BODIES: dict[str, bytes] = {
    "an open brace": b"{",
    "half a word": b"nul",
    "two values": b"{} {}",
    "a trailing comma": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "a text": b'"text"',
    "a number": b"1",
    "an array": b"[]",
    "null": b"null",
    "true": b"true",
    "not UTF-8": b'{"a":"\xff"}',
    "UTF-16": "{}".encode("utf-16"),
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf{}",
    "a raw surrogate": b'{"a":"\xed\xa0\x80"}',
    "a lone surrogate": b'{"a":"\\ud800"}',
    "half a pair": b'{"a":"\\udc00\\ud800"}',
    "NUL in a text": b'{"a":"\\u0000"}',
    "NUL in a name": b'{"a\\u0000":1}',
    "a raw NUL": b'{"a":"\x00"}',
    "a control character": b'{"a":"\x01"}',
    "doubled keys": b'{"a":1,"a":2}',
    "doubled keys, deep": b'{"a":{"b":1,"b":1}}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "1e400": b'{"a":1e400}',
    "beyond 2^53": b'{"a":9007199254740993}',
    "below -2^53": b'{"a":-9007199254740993}',
    "a thousand digits": b'{"a":' + b"9" * 1000 + b"}",
    "five thousand digits": b'{"a":' + b"9" * 5000 + b"}",
    "too deep": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "too deep an array": b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "a hundred thousand deep": b"[" * 100_000,
    "two MiB": b'{"a":"' + b"x" * (2 << 20) + b'"}',
}
TYPES: list[Any] = [0, -1, 1.5, 1e300, True, "text", "", [], [1], ["text"], {}, {"a": 1}, None]
TEXTS = {
    "no id": "no-such-form-of-id",
    "a path": "../../etc/passwd",
    "SQL": "' OR 1=1; --",
    "braces": "{0.__class__} %s %(a)s ${a}",
    "long": "x" * 200_000,
    "blank": " \t\n\u2003",
    "direction": "\u202e\u2066\ufeff",
    "not a character": "\ufffe\uffff",
    "combining": "e" + "\u0301" * 5000,
}
LARGE = (2**31, 2**53 - 1, 1 - 2**53)
"""Numbers that a JSON reader accepts and a column may be too small for."""
UNSTORABLE = {"NUL": "a\x00b", "a lone surrogate": "a\ud800b"}
FAR = str(2**53 + 1)
"""A page that may be refused or empty."""
NUMBERS = ("-1", "0", "1.5", "1e308", str(10**30), FAR, str(2**63), "NaN", "Infinity",
           "abc", "0x10", "+1", "1_000", "%D9%A1", "%201", "1%00", "--1", "1e0")  # fmt: skip
"""Invalid as page number, page size and limit."""
COUNTS = {"page", "limit", "pageNumber", "pageSize", "pagination[limit]"}
ENCODINGS = ("%00", "%FF", "%ED%A0%80", "%C0%AF", "%F8%88%80%80%80")
"""Percent-encoded bytes that are no UTF-8, or that cannot be stored."""
PATH_VALUES = (
    "%00", "%FF", "..", "%2e%2e", "%2F", "x" * 5000, "-1", "1.5", str(10**30), str(2**63),
    "%E2%98%83", "'%20OR%201=1--", "%ED%A0%80", "null", "0", "{id}", "00000000",
)  # fmt: skip


def raw(value: object) -> bytes:
    """JSON with escapes for everything that is not ASCII, lone surrogates included."""
    return json.dumps(value).encode()
