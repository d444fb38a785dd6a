"""Multipart bodies, part by part: texts in memory up to a limit, files on disk.

python-multipart finds the boundaries; `content_disposition` reads the headers of a part.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from koine.http.content_disposition import (
    OCTET_STREAM,
    PartHead,
    decode_text,
    parameters,
    read_head,
)
from koine.http.uploads import SpooledUpload
from koine.kit.json import BadJson, check_text
from koine.model.errors import Invalid, Malformed, TooLarge

MAX_PARTS = 1000
MAX_FILES = 20
_BRACKETS = re.compile(r"\[[^\[\]]*\]$")


class Form(NamedTuple):
    """What a form holds: texts in order, and files."""

    fields: list[tuple[str, str]]
    files: list[SpooledUpload]


class MultipartReader:
    """Reads one body. `takes` are the fields that may be files, `text_limit` the bytes that all
    names, heads and texts together may have."""

    def __init__(self, content_type: bytes, takes: tuple[str, ...], text_limit: int) -> None:
        """Raises Malformed without a boundary."""
        given = parameters(content_type, "latin-1")
        if not given.get("boundary"):
            raise Malformed("the multipart body has no boundary")
        self._charset = given.get("charset", "utf-8")
        self._takes = takes
        self._text_limit = text_limit
        self._text_bytes = self._parts = 0
        self._form = Form([], [])
        self._unexpected_file: str | None = None
        self._open = False
        self._part_begin()
        self._to_write: list[tuple[SpooledUpload, bytes]] = []
        self._parser = self._make_parser(given["boundary"])

    async def read(self, pieces: AsyncIterator[bytes]) -> Form:
        """Read to the end; the caller closes the files. Raises Malformed, TooLarge, and Invalid for
        a file in a field that takes none."""
        try:
            async for piece in pieces:
                self._parser.write(piece)
                await self._write_out()
            if self._open:
                raise Malformed("the multipart body breaks off")
            if self._unexpected_file is not None:
                raise Invalid(
                    self._unexpected_file, "no_file", f"{self._unexpected_file} takes no file"
                )
            for file in self._form.files:
                await file.rewind()
        except BaseException as error:
            for file in self._form.files:
                await file.close()
            if isinstance(error, FormParserError):
                raise Malformed("the multipart body cannot be read") from None
            raise
        return self._form

    def _make_parser(self, boundary: str) -> MultipartParser:
        try:
            return MultipartParser(
                boundary.encode("latin-1"),
                {
                    "on_part_begin": self._part_begin,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._head_is_read,
                    "on_part_data": self._part_data,
                    "on_part_end": self._part_end,
                    "on_end": self._body_end,
                },
            )
        except (FormParserError, ValueError):
            raise Malformed("the multipart body's boundary cannot be used") from None

    def _part_begin(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._name, self._value, self._text = bytearray(), bytearray(), bytearray()
        self._head: PartHead | None = None
        self._file: SpooledUpload | None = None
        self._is_file = False
        self._open = True

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[bytes(self._name).lower()] = bytes(self._value).strip()
        self._name, self._value = bytearray(), bytearray()

    def _head_is_read(self) -> None:
        head = self._head = read_head(self._headers, self._charset)
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise TooLarge(self._text_limit)
        field = _BRACKETS.sub("", head.field)
        taken = field in self._takes
        media = (head.media or "text/plain").strip().lower()
        # In a field that takes files, a part that is not text is a file even without a file name.
        self._is_file = head.filename is not None or (taken and not media.startswith("text/"))
        _check(head.field, head.filename or "")
        if self._is_file and taken:
            self._file = SpooledUpload(field, head.filename or "", head.media or OCTET_STREAM)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            if not self._file.size:
                self._keep(self._file)
            self._file.size += end - start
            self._to_write.append((self._file, data[start:end]))
        elif not self._is_file:
            self._count(end - start)
            self._text += data[start:end]
        elif self._head is not None:
            self._unexpected_file = self._unexpected_file or self._head.field

    def _part_end(self) -> None:
        if self._file is not None:
            # Browsers send an empty file input as a part without a file name and without bytes.
            if not self._file.size and self._file.name:
                self._keep(self._file)
        elif not self._is_file and self._head is not None:
            text = decode_text(bytes(self._text), self._charset)
            _check(text)
            self._form.fields.append((self._head.field, text))

    def _body_end(self) -> None:
        self._open = False

    def _keep(self, file: SpooledUpload) -> None:
        if len(self._form.files) >= MAX_FILES:
            raise Malformed(f"too many files: {MAX_FILES} at most")
        self._form.files.append(file)

    def _count(self, size: int) -> None:
        self._text_bytes += size
        if self._text_bytes > self._text_limit:
            raise TooLarge(self._text_limit)

    async def _write_out(self) -> None:
        waiting, self._to_write = self._to_write, []
        for file, data in waiting:
            await file.write(data)


def _check(*texts: str) -> None:
    for text in texts:
        try:
            check_text(text)
        except BadJson as error:
            raise Malformed(error.reason) from None
