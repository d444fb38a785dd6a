"""Form bodies: multipart fields as text pairs, files spooled to disk."""

from __future__ import annotations

import hashlib

from starlette.datastructures import FormData, UploadFile
from starlette.datastructures import Headers as StarletteHeaders
from starlette.formparsers import MultiPartException, MultiPartParser

from koine.http.body import chunks, has_body
from koine.http.call import Receive
from koine.http.headers import Headers
from koine.kit.json import BadJson, check_text
from koine.model.errors import Malformed

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
_CHUNK = 64 * 1024
_MAX_FIELDS = 1000
_MAX_FILES = 20
_MAX_FIELD_BYTES = 1024 * 1024


class SpooledUpload:
    """A file of a multipart body; `Upload` of http/call.py."""

    __slots__ = ("_file", "content_type", "field", "name", "size")

    def __init__(self, field: str, file: UploadFile) -> None:
        self.field = field
        self.name = file.filename or ""
        self.content_type = file.content_type or "application/octet-stream"
        self.size = file.size or 0
        self._file = file

    async def read(self, size: int = -1) -> bytes:
        """Give the next `size` bytes (all that is left by default)."""
        return await self._file.read(size)

    async def digest(self) -> bytes:
        """Give name, type and content's SHA-256; the next read begins at the start again."""
        sha = hashlib.sha256(f"{self.field}\0{self.name}\0{self.content_type}\0".encode())
        while chunk := await self._file.read(_CHUNK):
            sha.update(chunk)
        await self._file.seek(0)
        return sha.digest()

    async def close(self) -> None:
        """Let go of the spooled bytes."""
        await self._file.close()


class _Parser(MultiPartParser):
    """Knows whether the closing boundary came: a form that breaks off must not pass for one."""

    _open = False

    def on_part_begin(self) -> None:
        self._open = True
        super().on_part_begin()

    def on_end(self) -> None:
        self._open = False
        super().on_end()

    async def parse(self) -> FormData:
        form = await super().parse()
        if self._open:
            for file in self._files_to_close_on_error:
                file.close()
            raise MultiPartException("The multipart body breaks off.")
        return form


async def read_multipart(
    receive: Receive, headers: Headers, limit: int
) -> tuple[list[tuple[str, str]], list[SpooledUpload]]:
    """Read text fields and files; no body has none. Raises Malformed, TooLarge, ClientGone.

    The caller closes the files. Files above 1 MiB are on disk, never in memory.
    """
    if not has_body(headers):
        return [], []
    parser = _Parser(
        StarletteHeaders(raw=headers.raw),
        chunks(receive, headers, limit),  # type: ignore[arg-type]  # only iterated
        max_files=_MAX_FILES,
        max_fields=_MAX_FIELDS,
        max_part_size=_MAX_FIELD_BYTES,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Malformed(error.message) from None
    except (LookupError, ValueError):
        raise Malformed("the multipart body cannot be read") from None
    return await _sorted_out(form)


async def _sorted_out(form: FormData) -> tuple[list[tuple[str, str]], list[SpooledUpload]]:
    fields: list[tuple[str, str]] = []
    files: list[SpooledUpload] = []
    try:
        for name, value in form.multi_items():
            check_text(name)
            if isinstance(value, str):
                check_text(value)
                fields.append((name, value))
            else:
                check_text(value.filename or "")
                files.append(SpooledUpload(name.removesuffix("[]"), value))
    except BadJson as error:
        await form.close()
        raise Malformed(error.reason) from None
    return fields, files
