"""An archive under a passphrase: AES-256-GCM in chunks, each bound to its place and the last one
marked, so that none can be changed, moved, left out or added (the STREAM construction).

    KOINE-SEALED-1 {"n":65536,"r":8,"p":2,"salt":"…","chunk":65536}\\n
    chunk 0, chunk 1, …       65,536 bytes of the archive and 16 of the tag; the last is shorter

The key is scrypt(passphrase, salt), for this archive alone. The nonce of a chunk is its number (11
bytes) and whether it is the last (1 byte); the line at the start is authenticated with every chunk.
"""

import base64
import hashlib
import io
import re
import secrets
from typing import IO, TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from koine.engine.archive.format import ArchiveError
from koine.engine.archive.tar import Sink
from koine.kit.lazy_import import LazyModule

if TYPE_CHECKING:
    from cryptography import exceptions
    from cryptography.hazmat.primitives.ciphers import aead
else:
    exceptions = LazyModule("cryptography.exceptions")
    aead = LazyModule("cryptography.hazmat.primitives.ciphers.aead")

MAGIC: Final = b"KOINE-SEALED-1 "
MIN_PASSPHRASE: Final = 12
"""Characters of a passphrase, at least."""
CHUNK: Final = 64 * 1024
_TAG: Final = 16
_LINE = re.compile(rb"KOINE-SEALED-1 (\{[^\n]{1,300}\})\n")
_MAX_LINE: Final = 400
_WRONG: Final = "the passphrase is wrong, or the archive was changed"


class _Parameters(Struct, frozen=True):
    """Of scrypt, and of the chunks."""

    salt: str
    n: int = 65536
    r: int = 8
    p: int = 2
    chunk: int = CHUNK


class SealingWriter:
    """Encrypts what is written to it into `sink`. `close` writes the last chunk: without it the
    archive cannot be opened."""

    def __init__(self, sink: Sink, passphrase: str) -> None:
        parameters = _Parameters(base64.b64encode(secrets.token_bytes(16)).decode())
        line = MAGIC + msgspec.json.encode(_shown(parameters)) + b"\n"
        self._sink = sink
        self._cipher = _Cipher(passphrase, parameters, line)
        self._buffer = bytearray()
        self._number = 0
        sink.write(line)

    def write(self, data: bytes, /) -> None:
        """Encrypt the bytes, as soon as they are known not to be the last."""
        self._buffer += data
        while len(self._buffer) > CHUNK:
            self._seal(bytes(self._buffer[:CHUNK]), last=False)
            del self._buffer[:CHUNK]

    def close(self) -> None:
        """Write the last chunk."""
        self._seal(bytes(self._buffer), last=True)
        self._buffer.clear()

    def _seal(self, plain: bytes, *, last: bool) -> None:
        self._sink.write(self._cipher.encrypt(self._number, plain, last=last))
        self._number += 1


class SealedReader(io.RawIOBase):
    """The plain bytes of an encrypted archive, from any offset. Raises ArchiveError for a wrong
    passphrase and for any change of the file."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        file.seek(0)
        found = _LINE.match(file.read(_MAX_LINE))
        if found is None:
            raise ArchiveError("it is damaged, or no archive of a tenant")
        self._file = file
        self._start = found.end()
        self._cipher = _Cipher(passphrase, _parameters(found[1]), found[0])
        length = file.seek(0, io.SEEK_END) - self._start
        self._chunks = max(1, -(-length // (CHUNK + _TAG)))
        self._offset = 0
        self._open: tuple[int, bytes] | None = None
        self._chunk(self._chunks - 1)  # a file that was cut off at the end of a chunk is found out

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Continue at this offset from the start."""
        self._offset = offset
        return offset

    def read(self, size: int = -1, /) -> bytes:
        """The next `size` bytes; fewer only at the end."""
        parts = []
        while size > 0:
            number, at = divmod(self._offset, CHUNK)
            part = self._chunk(number)[at : at + size] if number < self._chunks else b""
            if not part:
                break
            parts.append(part)
            self._offset += len(part)
            size -= len(part)
        return b"".join(parts)

    def _chunk(self, number: int) -> bytes:
        if self._open is None or self._open[0] != number:
            self._file.seek(self._start + number * (CHUNK + _TAG))
            sealed = self._file.read(CHUNK + _TAG)
            last = number == self._chunks - 1
            self._open = number, self._cipher.decrypt(number, sealed, last=last)
        return self._open[1]


def is_sealed(file: IO[bytes]) -> bool:
    """Whether an archive is encrypted."""
    file.seek(0)
    return file.read(len(MAGIC)) == MAGIC


def check_passphrase(text: str) -> None:
    """Raise ArchiveError for one that is too short."""
    if len(text) < MIN_PASSPHRASE:
        raise ArchiveError(f"a passphrase has {MIN_PASSPHRASE} characters or more")


class _Cipher:
    def __init__(self, passphrase: str, parameters: _Parameters, line: bytes) -> None:
        key = hashlib.scrypt(
            passphrase.encode(),
            salt=base64.b64decode(parameters.salt),
            n=parameters.n,
            r=parameters.r,
            p=parameters.p,
            maxmem=256 * 1024 * 1024,
            dklen=32,
        )
        self._aead = aead.AESGCM(key)
        self._line = line

    def encrypt(self, number: int, plain: bytes, *, last: bool) -> bytes:
        return self._aead.encrypt(_nonce(number, last), plain, self._line)

    def decrypt(self, number: int, sealed: bytes, *, last: bool) -> bytes:
        try:
            return self._aead.decrypt(_nonce(number, last), sealed, self._line)
        except (exceptions.InvalidTag, ValueError):
            raise ArchiveError(_WRONG) from None


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _shown(parameters: _Parameters) -> dict[str, object]:
    return {name: getattr(parameters, name) for name in ("n", "r", "p", "salt", "chunk")}


def _parameters(text: bytes) -> _Parameters:
    """Those of a file. Its author must not make the reader need more memory or time."""
    try:
        found = msgspec.json.decode(text, type=_Parameters)
        salt = base64.b64decode(found.salt, validate=True)
    except (msgspec.MsgspecError, ValueError):
        raise ArchiveError("it is damaged, or no archive of a tenant") from None
    if (found.n, found.r, found.p, found.chunk) != (65536, 8, 2, CHUNK) or len(salt) != 16:
        raise ArchiveError("it is encrypted in a way that this version does not know")
    return found
