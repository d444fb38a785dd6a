"""An encrypted archive is opened by its passphrase alone, and only if nothing of it was changed."""

import io
from collections.abc import Callable

import pytest

from koine.engine.archive.format import ArchiveError
from koine.engine.archive.sealing import CHUNK, SealedReader, SealingWriter

PASSPHRASE = "correct horse battery"
PLAIN = bytes(range(256)) * (CHUNK // 256) * 2 + b"the end"
SEALED_CHUNK = CHUNK + 16


@pytest.fixture(scope="module")
def sealed() -> bytes:
    out = io.BytesIO()
    writer = SealingWriter(out, PASSPHRASE)
    for first in range(0, len(PLAIN), 50_000):
        writer.write(PLAIN[first : first + 50_000])
    writer.close()
    return out.getvalue()


def read(sealed: bytes, passphrase: str = PASSPHRASE) -> bytes:
    return SealedReader(io.BytesIO(sealed), passphrase).read(len(PLAIN) + 100)


def test_it_is_read_back_from_any_offset(sealed: bytes) -> None:
    assert PLAIN[:100] not in sealed
    reader = SealedReader(io.BytesIO(sealed), PASSPHRASE)
    assert reader.read(len(PLAIN) + 1) == PLAIN
    for offset in (2 * CHUNK - 3, 5, len(PLAIN) - 7):
        reader.seek(offset)
        assert reader.read(10) == PLAIN[offset : offset + 10]


def test_the_same_archive_is_never_encrypted_alike(sealed: bytes) -> None:
    out = io.BytesIO()
    writer = SealingWriter(out, PASSPHRASE)
    writer.write(PLAIN)
    writer.close()
    assert out.getvalue()[-SEALED_CHUNK:] != sealed[-SEALED_CHUNK:]


def test_another_passphrase_opens_nothing(sealed: bytes) -> None:
    with pytest.raises(ArchiveError, match="passphrase is wrong"):
        read(sealed, "another horse battery")


def _start(sealed: bytes) -> int:
    return sealed.index(b"\n") + 1


def _swapped(sealed: bytes) -> bytes:
    at = _start(sealed)
    first, second = (
        sealed[at : at + SEALED_CHUNK],
        sealed[at + SEALED_CHUNK : at + 2 * SEALED_CHUNK],
    )
    return sealed[:at] + second + first + sealed[at + 2 * SEALED_CHUNK :]


def _flipped(sealed: bytes) -> bytes:
    at = _start(sealed) + 10
    return sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "a bit is flipped": _flipped,
    "chunks are swapped": _swapped,
    "the last chunk is missing": lambda sealed: sealed[: _start(sealed) + 2 * SEALED_CHUNK],
    "it is cut off": lambda sealed: sealed[:-1],
    "a chunk is missing": lambda s: s[: _start(s)] + s[_start(s) + SEALED_CHUNK :],
    "something is added": lambda sealed: sealed + b"more",
    "the salt is another": lambda sealed: sealed.replace(b'"salt":"', b'"salt":"AAAA', 1),
    "it needs more memory": lambda sealed: sealed.replace(b'"n":65536', b'"n":1048576', 1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_archive_is_refused(sealed: bytes, change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ArchiveError):
        read(change(sealed))
