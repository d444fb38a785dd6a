"""The headers of a multipart part: the field's name, the file's name, the content type.

RFC 7578 has file names in plain UTF-8; clients also percent-encode them (section 4.2, and browsers
`"` as %22), send `filename*` of RFC 5987, or MIME encoded words. All of these are decoded, as Rack
does it. A name in any other encoding is kept as it came, so that its file is never lost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.errors import MessageError
from email.header import decode_header, make_header
from typing import NamedTuple
from urllib.parse import unquote, unquote_to_bytes

from koine.model.errors import Malformed

OCTET_STREAM = "application/octet-stream"

_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:\\"|[^"])*"|[^;]*)')
_ESCAPED_TEXT = re.compile(r'(?:[^\\]|\\[\\"])*')
_ESCAPED = re.compile(r"\\(.)")
_PERCENT = re.compile(r"%.?.?")
_BYTE = re.compile(r"%[0-9A-Fa-f]{2}")
_ENCODED_WORDS = re.compile(r"(=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=\s*)+")


class PartHead(NamedTuple):
    """The headers of one part. `filename` is None for a text field, "" for a file without a name;
    `media` is None when the part has no content type."""

    field: str
    filename: str | None
    media: str | None


def read_head(headers: Mapping[bytes, bytes], charset: str) -> PartHead:
    """Read the part's headers, by lower-case name. Raises Malformed without a field's name."""
    given = parameters(headers.get(b"content-disposition", b""), charset)
    field = _extended(given, "name") or given.get("name")
    if field is None:
        raise Malformed("a part of the form has no name")
    media = headers.get(b"content-type")
    return PartHead(field, _filename(given), None if media is None else media.decode("latin-1"))


def parameters(value: bytes, charset: str) -> dict[str, str]:
    """Give the parameters of a header's value by lower-case name, without their quotes."""
    found = {}
    for name, text in _PARAMETER.findall(value.decode("latin-1")):
        found[name.lower()] = decode_text(_unquoted(text).encode("latin-1"), charset)
    return found


def decode_text(raw: bytes, charset: str) -> str:
    """Decode by the form's charset, else as UTF-8, else as Latin-1, as old browsers send it."""
    for each in (charset, "utf-8"):
        try:
            return raw.decode(each)
        except (LookupError, ValueError):
            continue
    return raw.decode("latin-1")


def _unquoted(text: str) -> str:
    text = text.strip(" \t")
    if not text.startswith('"'):
        return text
    text = text[1:-1] if len(text) > 1 and text.endswith('"') else text[1:]
    # Old browsers on Windows send a whole path: backslashes are escapes only if all of them can be.
    return _ESCAPED.sub(r"\1", text) if _ESCAPED_TEXT.fullmatch(text) else text


def _filename(given: Mapping[str, str]) -> str | None:
    extended = _extended(given, "filename")
    if extended is not None:
        return extended
    name = given.get("filename", given.get("filename*"))
    if name is None:
        return None
    if _ENCODED_WORDS.fullmatch(name):
        return _from_encoded_words(name)
    marks = _PERCENT.findall(name)
    if marks and all(_BYTE.fullmatch(mark) for mark in marks):
        return _storable(unquote(name, errors="replace"), name)
    return name


def _extended(given: Mapping[str, str], name: str) -> str | None:
    """The value of `name*` (RFC 5987) or of `name*0`, `name*1*` … (RFC 2231), if it can be read."""
    text = given.get(f"{name}*")
    if text is not None:
        return _with_charset(text)
    pieces = []
    for n in range(len(given)):
        piece = given.get(f"{name}*{n}*", given.get(f"{name}*{n}"))
        if piece is None:
            break
        pieces.append(piece)
    joined = "".join(pieces)
    return _with_charset(joined) if f"{name}*0*" in given else joined or None


def _with_charset(text: str) -> str | None:
    charset, _, rest = text.partition("'")
    _, quote, value = rest.partition("'")
    if not quote:
        return None
    try:
        return _storable(unquote_to_bytes(value).decode(charset or "utf-8"), None)
    except (LookupError, ValueError):
        return None


def _from_encoded_words(text: str) -> str:
    try:
        decoded = str(make_header(decode_header(text)))
    except (LookupError, ValueError, MessageError):
        return text
    return _storable(decoded, text) or text


def _storable(decoded: str, otherwise: str | None) -> str | None:
    return otherwise if "\0" in decoded else decoded
