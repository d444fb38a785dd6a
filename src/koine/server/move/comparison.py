"""Compare two databases row by row: a count and a checksum of each table, read from both.

The checksum is the sum of the rows' hashes, as the databases put texts into different orders.
"""

import asyncio
from collections.abc import Callable, Iterable
from hashlib import blake2b

import msgspec
from msgspec import Struct

from koine.kit.amounts import counted
from koine.server.move import values
from koine.store import whole_tables
from koine.store.core.db import Database
from koine.store.whole_tables import Row

_MODULUS = 1 << 128
_encode = msgspec.msgpack.Encoder().encode


class TableDigest(Struct, frozen=True):
    """How many rows a table has, and the sum of their hashes, in hex."""

    rows: int
    checksum: str


async def differences(
    source: Database, target: Database, show: Callable[[int], None]
) -> tuple[dict[str, TableDigest], list[str]]:
    """The digests of the source's tables, and a sentence for each table of the target that has
    others. `show` is called with the number of rows that were read, of either, so far."""
    counter = _Counter(show)
    ours, theirs = await asyncio.gather(_digests(source, counter), _digests(target, counter))
    found = [
        f"{name} has {counted(theirs[name].rows, 'row')} and should have {ours[name].rows:,}"
        if theirs[name].rows != ours[name].rows
        else f"{name} has other values"
        for name in ours
        if ours[name] != theirs[name]
    ]
    return ours, found


class Checksum:
    """Sums the hashes of rows."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, rows: Iterable[Row]) -> None:
        """Add rows, in whatever order."""
        total = count = 0
        for row in rows:
            total += int.from_bytes(blake2b(_encode(row), digest_size=16).digest(), "little")
            count += 1
        self._sum = (self._sum + total) % _MODULUS
        self.rows += count

    def digest(self) -> TableDigest:
        """The result."""
        return TableDigest(self.rows, f"{self._sum:032x}")


class _Counter:
    def __init__(self, show: Callable[[int], None]) -> None:
        self._show = show
        self._rows = 0

    def add(self, rows: int) -> None:
        self._rows += rows
        self._show(self._rows)


async def _digests(db: Database, counter: _Counter) -> dict[str, TableDigest]:
    found: dict[str, TableDigest] = {}
    async with db.snapshot() as view:
        for table in whole_tables.TABLES:
            checksum = Checksum()
            async for page in whole_tables.stream_rows(view, table):
                checksum.add(page)
                counter.add(len(page))
            found[str(table.name)] = checksum.digest()
        checksum = Checksum()
        checksum.add(sorted((await view.read("", values.get)).items()))
        found["server"] = checksum.digest()
    return found
