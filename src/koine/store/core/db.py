"""The door to the database: what a transaction and a database can do, whichever backend it is."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from koine.store.core.statements import Command, ManyCommand, Query

R = TypeVar("R")
P = ParamSpec("P")
RowBatch = tuple[ManyCommand, Sequence[tuple[Any, ...]]]
"""A statement for many rows, and the rows."""


def no_listener() -> None:
    """`Database.after_commit` before anyone listens."""


class Duplicate(Exception):
    """A unique constraint said no. `constraint` is its name in `store/tables/`."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class AlreadyServed(Exception):
    """Another process serves this database, and this kind of database allows only one."""


class Tx(Protocol):
    """One unit of work. `tenant_id` is given to every statement that has a parameter of that name.

    Further parameters that a statement does not have are ignored; a missing one is a TypeError.
    """

    tenant_id: str

    async def all(self, query: Query[R], /, **params: Any) -> list[R]:
        """Every row."""

    async def one(self, query: Query[R], /, **params: Any) -> R | None:
        """The first row, or None."""

    async def run(self, command: Command, /, **params: Any) -> int:
        """Do it; answers the number of rows changed. Raises Duplicate."""

    async def many(self, command: ManyCommand, rows: Sequence[tuple[Any, ...]], /) -> list[int]:
        """Do it for all rows at once; answers the numbers of the rows of an insert that is
        `numbered`, in their order. Raises Duplicate: then none of them is done."""

    async def execute_together(self, *work: RowBatch) -> list[int]:
        """As `many` for each, in one round trip where there are any. No two may change one row,
        none sees what another does, at most one is numbered. Raises Duplicate: then nothing is
        done."""


class BusTransport(Protocol):
    """A connection to the other processes that serve the database. It may break and lose messages;
    its methods then raise the error of the library. A message is a subject ("log_advanced" or
    "ephemeral") with a payload of at most 5,500 bytes."""

    async def open(self, heard: Callable[[str, bytes], None]) -> None:
        """Connect and listen; what this process tells may be heard, too."""

    async def publish(self, told: Sequence[tuple[str, bytes]]) -> None:
        """Returns when the other side has it; with nothing to tell, when it gave a sign of life."""

    async def wait_closed(self) -> None:
        """Returns when the line is no more."""

    async def close(self) -> None:
        """Let go of it, whatever state it is in; it may be opened again."""


class Database(Protocol):
    """A verb is `async def verb(tx, *args)` that awaits nothing but `tx`; it may be run twice.

    Every method raises Unavailable when the database is down, starting, full, locked or too slow.
    What a verb raises goes to the caller and undoes what the verb had written.
    """

    kind: str
    after_commit: Callable[[], None]
    """Called after each write that was committed; does nothing until somebody sets it."""

    async def read(
        self,
        tenant_id: str,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run a verb that only reads a few indexed rows; RuntimeError if it writes."""

    async def read_long(
        self,
        tenant_id: str,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run a verb that reads much (searches, exports): it never holds up the short ones."""

    async def write(
        self,
        tenant_id: str,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run a verb in one transaction; when this returns, what it wrote is on disk."""

    async def write_batch(
        self,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """As `write`, across tenants (`tx.tenant_id` is ""), in the lane kept for batches."""

    async def ping(self) -> None:
        """Return if the database answers, raise Unavailable if not."""

    async def timeline_id(self) -> str:
        """What names the server this database lives in, "" where it is a file of our own."""

    async def database_id(self) -> str:
        """As `home`, but the same after a fail-over: what names this database among others."""

    def bus_transport(self) -> BusTransport | None:
        """A new line to the other processes, not opened; None where there cannot be any."""

    async def size_bytes(self) -> int:
        """How much disk the data take."""

    def claim_serving(self) -> None:
        """Say that this process serves the database. Raises AlreadyServed if it may not."""

    async def alter_schema(self, script: Callable[[str | None], str]) -> None:
        """Alone, in one transaction: `script(version or None)` answers the SQL to run."""

    async def analyze(self) -> None:
        """Have the planner look at tables that have grown much since it last did: statements are
        planned once, perhaps while a table is empty, and run while it grows."""

    async def version(self) -> str | None:
        """The revision of the schema, None when there is none yet."""

    async def close(self) -> None:
        """Finish what was taken on, then let go of everything."""
