"""The interfaces of a transaction and a database, which both backends implement."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from msgspec import Struct

from koine.store.core.statements import Command, InsertMany, ManyCommand, Query

R = TypeVar("R")
P = ParamSpec("P")
RowBatch = tuple[ManyCommand, Sequence[tuple[Any, ...]]]
"""A statement for many rows, and the rows."""


def no_listener() -> None:
    """The default of `Database.after_commit`: do nothing."""


class Duplicate(Exception):
    """A row violates a unique constraint. `constraint` is its name in `store/tables/`."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class BrokenRow(Exception):
    """A row cannot be written: it refers to one that is not there, or lacks a value."""


class AlreadyServed(Exception):
    """Another process serves this database, and this kind of database allows only one."""


class CannotConnect(Exception):
    """The database cannot be opened. The message goes on after "the database …", says why, and has
    no secret. `may_pass`: it may be open in a moment, as it is starting or not there yet."""

    def __init__(self, reason: str, *, may_pass: bool = False) -> None:
        super().__init__(reason)
        self.may_pass = may_pass


class MissingRight(Exception):
    """The database's user lacks a right; the message names the statement that grants it."""


class Tx(Protocol):
    """A transaction. Statements with a parameter `tenant_id` get the one of the transaction.

    Parameters that a statement does not have are ignored; a missing one is a TypeError.
    """

    tenant_id: str

    async def all(self, query: Query[R], /, **params: Any) -> list[R]:
        """Every row."""

    async def one(self, query: Query[R], /, **params: Any) -> R | None:
        """The first row, or None."""

    async def run(self, command: Command, /, **params: Any) -> int:
        """Execute it; returns the number of rows changed. Raises Duplicate."""

    async def many(self, command: ManyCommand, rows: Sequence[tuple[Any, ...]], /) -> list[int]:
        """Execute it for all rows; returns the numbers of the rows, in their order, if the command
        is a `numbered` insert. Raises Duplicate; then no row was written."""

    async def execute_together(self, *work: RowBatch) -> list[int]:
        """As `many` for each, on PostgreSQL in one round trip. No two of them may change the same
        row, none sees what another writes, and at most one is numbered. Raises Duplicate; then
        nothing was written."""


class BusTransport(Protocol):
    """A connection to the other processes that serve the database. It may lose messages and break;
    then its methods raise the library's error. A message is a subject ("log_advanced" or
    "ephemeral") with a payload of at most 5,500 bytes."""

    async def open(self, receive: Callable[[str, bytes], None]) -> None:
        """Connect, and call `receive` with each message; also, perhaps, with those sent here."""

    async def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Returns when the server has them. Without messages it checks that the server responds."""

    async def wait_closed(self) -> None:
        """Returns when the connection was closed or lost."""

    async def close(self) -> None:
        """Close it, in whatever state it is; it can be opened again."""


class PoolUsage(Struct, frozen=True):
    """How a pool of connections is used now: at most `limit` of them, and callers that wait."""

    name: str
    limit: int
    in_use: int
    idle: int
    waiting: int


class Snapshot(Protocol):
    """The database as of one moment, on a connection of its own, for as long as it takes. It is
    used by one caller at a time."""

    async def read(
        self,
        tenant_id: str,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run an operation that reads."""

    def stream(self, query: Query[R], size: int, /, **params: Any) -> AsyncIterator[list[R]]:
        """The rows of a query, at most `size` at a time, which are never all in memory. `params`
        has the `tenant_id`, too."""


class BulkWriter(Protocol):
    """Writes many rows in small transactions, on a connection of its own and without deadlines.
    It is used by one caller at a time."""

    async def write(
        self,
        tenant_id: str,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run an operation in one transaction. A power cut may undo it, but only together with all
        that were run after it; a later `Database.write` makes it durable. It is not run again after
        a failure, and followers of the event log are not woken. Raises BrokenRow."""

    async def copy(
        self,
        command: InsertMany,
        rows: Sequence[tuple[Any, ...]],
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Insert rows in the fastest way that the database has, and run an operation in the same
        transaction, as `write` of no tenant. The command has no conflict clause and no numbers.
        Raises BrokenRow, Duplicate."""


class Database(Protocol):
    """An operation is `async def operation(tx, *args)`. It awaits nothing but `tx`, since SQLite
    runs it on a thread without an event loop, and may be run again after a deadlock or a lost
    connection.

    Every method raises Unavailable when the database is down, starting, full, locked or too slow.
    An exception of an operation rolls back what it wrote, and is raised to the caller.
    """

    kind: str
    after_commit: Callable[[], None]
    """Called after each committed write."""

    async def read(
        self,
        tenant_id: str,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run an operation that reads a few rows by an index; RuntimeError if it writes."""

    async def read_long(
        self,
        tenant_id: str,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run an operation that reads many rows (a search, an export); short reads do not wait."""

    async def write(
        self,
        tenant_id: str,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run an operation in one transaction; when this returns, what it wrote is on disk."""

    async def write_batch(
        self,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """As `write`, across tenants (`Tx.tenant_id` is ""), on connections kept for batches."""

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Open a view of one moment; writers do not wait for it."""

    def bulk_writer(self) -> AbstractAsyncContextManager[BulkWriter]:
        """Open a connection for many rows, such as those of an import."""

    async def take_positions(self, count: int) -> int:
        """Take `count` positions of the event log, which no event gets by itself; returns the one
        before the first of them."""

    async def raise_positions(self, position: int) -> None:
        """Let the next event get a position above `position`."""

    async def raise_message_numbers(self, number: int) -> None:
        """Number the next messages of the server above `number`."""

    async def last_message_number(self) -> int:
        """The last number that a message got, which may be deleted since; 0 if none did."""

    async def ping(self) -> None:
        """Raises Unavailable unless the database responds."""

    async def timeline_id(self) -> str:
        """Names the server and the history of its log; it changes after a fail-over. "" for a
        file."""

    async def database_id(self) -> str:
        """Names this database among others; the same after a fail-over. "" for a file."""

    def bus_transport(self) -> BusTransport | None:
        """A new transport to the other processes, not opened; None where there is only one."""

    async def size_bytes(self) -> int:
        """The size of the data on disk."""

    def pools(self) -> list[PoolUsage]:
        """How each pool of connections is used now."""

    async def estimate_rows(self) -> dict[str, int]:
        """About how many rows each table has."""

    def claim_serving(self) -> None:
        """Lock the database for this server process if it allows only one. Raises AlreadyServed."""

    async def alter_schema(self, script: Callable[[str | None], str]) -> None:
        """Run the SQL that `script(version or None)` returns in one transaction, under a lock."""

    async def analyze(self, *, every: bool = False) -> None:
        """Refresh the planner's statistics of tables that have grown much, or of `every` table.
        Prepared statements are planned once, perhaps while a table is still empty."""

    async def compact(self) -> None:
        """Rewrite the files without what was deleted from them. Writes wait meanwhile."""

    async def version(self) -> str | None:
        """The revision of the schema, None when there is none yet."""

    async def close(self) -> None:
        """Finish what was begun, then close every connection."""
