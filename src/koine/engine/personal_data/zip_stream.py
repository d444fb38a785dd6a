"""A ZIP file that is sent while it is written: no more of it is in memory than one piece."""

from io import RawIOBase
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo


class _Sink(RawIOBase):
    """What the ZIP file is written to; it cannot go back."""

    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.written += data
        return len(data)


class ZipStream:
    """Members are added one after the other; `take` gives the bytes that are ready.

    `date` is that of all members: year to second. Raises what `zipfile` raises.
    """

    def __init__(self, date: tuple[int, int, int, int, int, int]) -> None:
        self._sink = _Sink()
        self._zip = ZipFile(self._sink, "w", allowZip64=True)
        self._date = date
        self._member: Any = None

    def begin(self, name: str, *, compressed: bool = True) -> None:
        """Begin a member, and end the one before."""
        self.end()
        info = ZipInfo(name, self._date)
        info.compress_type = ZIP_DEFLATED if compressed else ZIP_STORED
        info.external_attr = 0o600 << 16
        self._member = self._zip.open(info, "w", force_zip64=not compressed)

    def write(self, data: bytes) -> None:
        """Write to the member that was begun last."""
        self._member.write(data)

    def end(self) -> None:
        """End the member that was begun last."""
        if self._member is not None:
            self._member.close()
            self._member = None

    def close(self) -> None:
        """Write the directory of the ZIP file: after this it is complete."""
        self.end()
        self._zip.close()

    def take(self) -> bytes:
        """The bytes that were written since the last call."""
        ready = bytes(self._sink.written)
        self._sink.written.clear()
        return ready
