"""A transaction on a SQLite connection, and the translation of its errors.

Nothing here suspends, so an operation runs from start to end within one `send(None)`.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast

import apsw
import sqlalchemy as sa

from koine.model.errors import Unavailable
from koine.store.core.compiled import CompiledStatement
from koine.store.core.db import Duplicate, RowBatch
from koine.store.core.statements import Command, ManyCommand, Query, Statement
from koine.store.sqlite import renderer

R = TypeVar("R")
log = logging.getLogger(__name__)

_plans: dict[Query[Any] | Command, CompiledStatement] = {}
_texts: dict[ManyCommand, str] = {}

_TRANSIENT = (
    apsw.BusyError,
    apsw.LockedError,
    apsw.FullError,
    apsw.IOError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
    apsw.ProtocolError,
    apsw.NoMemError,
    apsw.InterruptError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.ConnectionClosedError,
)
_TAKEN = (apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_PRIMARYKEY)


class SqliteTx:
    """The `Tx` of one connection. After a failed statement it executes no other.

    SQLite would; PostgreSQL does not, and an operation must behave the same on both.
    """

    __slots__ = ("_connection", "_read_only", "failed", "tenant_id")

    def __init__(
        self, connection: apsw.Connection, tenant_id: str, *, read_only: bool = False
    ) -> None:
        self._connection = connection
        self._read_only = read_only
        self.tenant_id = tenant_id
        self.failed = False

    async def all(self, query: Query[R], /, **params: Any) -> list[R]:
        """Every row."""
        plan = _plans.get(query) or _plan(query)
        params.setdefault("tenant_id", self.tenant_id)
        rows = self._fetch(query, plan.text, plan.bind(params))
        if plan.bools:
            rows = [with_bools(row, plan.bools) for row in rows]
        into: Any = query.into
        return rows if into is None else [into(*row) for row in rows]

    async def one(self, query: Query[R], /, **params: Any) -> R | None:
        """The first row, or None."""
        rows = await self.all(query, **params)
        return rows[0] if rows else None

    async def run(self, command: Command, /, **params: Any) -> int:
        """Execute it; returns the number of rows changed."""
        plan = _plans.get(command) or _plan(command)
        params.setdefault("tenant_id", self.tenant_id)
        self._fetch(command, plan.text, plan.bind(params))
        return self._connection.changes()

    async def many(self, command: ManyCommand, rows: Sequence[tuple[Any, ...]], /) -> list[int]:
        """Execute it for each row."""
        text = _texts.get(command) or _texts.setdefault(command, renderer.render_many(command))
        numbers = self._numbers(command, len(rows))
        if numbers:
            rows = [(*row, number) for row, number in zip(rows, numbers, strict=True)]
        if rows:
            self._fetch(command, text, rows, self._connection.executemany)
        return numbers

    async def execute_together(self, *work: RowBatch) -> list[int]:
        """Execute one after the other."""
        return [number for command, rows in work for number in await self.many(command, rows)]

    def raw(self, text: str, *values: Any) -> list[Any]:
        """Execute SQL that no statement of `store.core` expresses; the rows that it returns."""
        try:
            return self._connection.execute(text, values).fetchall()
        except apsw.Error as error:
            self.failed = True
            raise to_store_error(error) from error

    def cursor(self, query: Query[Any], /, **params: Any) -> tuple[Any, tuple[int, ...]]:
        """A cursor of the driver over the rows of a query, and the positions of its booleans."""
        plan = _plans.get(query) or _plan(query)
        try:
            return self._connection.execute(plan.text, plan.bind(params)), plan.bools
        except apsw.Error as error:
            self.failed = True
            raise to_store_error(error, query) from error

    def _numbers(self, command: ManyCommand, count: int) -> list[int]:
        """Numbers for `count` rows; none if the command is not numbered."""
        if command.numbered is None or not count:
            return []
        text = renderer.render_numbers(command.numbered)
        last = self._fetch(command, text, (count,))[0][0]
        return list(range(last - count + 1, last + 1))

    def _fetch(
        self, statement: Statement, text: str, args: Sequence[Any], how: Any = None
    ) -> list[Any]:
        if self.failed:
            raise RuntimeError("an operation continues after a statement failed")
        if self._read_only and statement.writes:
            raise RuntimeError(f"an operation that only reads writes: {statement.origin}")
        try:
            return cast(list[Any], (how or self._connection.execute)(text, args).fetchall())
        except apsw.Error as error:
            self.failed = True
            raise to_store_error(error, statement) from error


def run_to_completion(
    operation: Callable[..., Awaitable[R]], tx: SqliteTx, *args: Any, **kwargs: Any
) -> R:
    """Run an operation to its end. Raises RuntimeError if it awaits anything but its tx."""
    coroutine = cast(Any, operation(tx, *args, **kwargs))
    try:
        coroutine.send(None)
    except StopIteration as done:
        if tx.failed:
            raise RuntimeError(f"{operation!r} continued after a statement failed") from None
        return cast(R, done.value)
    coroutine.close()
    raise RuntimeError(f"{operation!r} awaits something other than its tx")


def to_store_error(error: apsw.Error, statement: Statement | None = None) -> Exception:
    """The exception to raise: Duplicate, Unavailable, or the error itself (a bug)."""
    if isinstance(error, apsw.ConstraintError) and _code(error) in _TAKEN:
        return Duplicate(_constraint(str(error), statement))
    if isinstance(error, _TRANSIENT):
        log.warning("the database is unavailable: %s: %s", type(error).__name__, error)
        return Unavailable()
    return error


def _code(error: apsw.Error) -> int:
    return cast(int, getattr(error, "extendedresult", 0))


def _plan(statement: Query[Any] | Command) -> CompiledStatement:
    return _plans.setdefault(statement, renderer.render(statement))


def with_bools(row: Sequence[Any], bools: tuple[int, ...]) -> tuple[Any, ...]:
    """A row of SQLite, which has no booleans, with the values at these positions as such."""
    values = list(row)
    for i in bools:
        if values[i] is not None:
            values[i] = values[i] != 0
    return tuple(values)


def _constraint(message: str, statement: Statement | None) -> str:
    """The constraint's name; SQLite's message has only the names of its columns."""
    if found := re.search(r"index '(\w+)'", message):
        return found[1]
    names = [part.split(".") for part in message.partition("failed: ")[2].split(", ")]
    if statement is None or statement.table is None:
        return message
    table = statement.table.metadata.tables[names[0][0]]
    return _constraint_over(table, [name[-1] for name in names])


def _constraint_over(table: sa.Table, columns: list[str]) -> str:
    """The name, as in PostgreSQL, of the unique index or constraint over these columns."""
    if columns == [column.name for column in table.primary_key.columns]:
        return str(table.primary_key.name or f"{table.name}_pkey")
    for index in table.indexes:
        if index.unique and columns == [column.name for column in index.columns]:
            return str(index.name)
    for constraint in table.constraints:
        if not isinstance(constraint, sa.UniqueConstraint) or constraint.name is None:
            continue
        if columns == [column.name for column in constraint.columns]:
            return str(constraint.name)
    return f"{table.name}_{'_'.join(columns)}_key"
