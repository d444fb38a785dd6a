"""A transaction on a PostgreSQL connection, and the translation of its errors."""

import logging
from collections.abc import Sequence
from itertools import count
from typing import Any, TypeVar

import asyncpg

from koine.model.errors import Unavailable
from koine.store.core.compiled import CompiledStatement
from koine.store.core.db import Duplicate, RowBatch
from koine.store.core.statements import Command, ManyCommand, Query, Statement
from koine.store.postgres import renderer

R = TypeVar("R")
log = logging.getLogger(__name__)

_MAX_PREPARED = 400
_plans: dict[Query[Any] | Command, CompiledStatement] = {}
_texts: dict[ManyCommand, str] = {}
_joined: dict[tuple[ManyCommand, ...], str] = {}

CONNECTION_ERRORS: tuple[type[Exception], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # another server took over: connect again
    asyncpg.FeatureNotSupportedError,  # the schema changed under a prepared statement
    OSError,  # TimeoutError is one
)
"""Errors after which the connection cannot be used."""
CONTENTION_ERRORS: tuple[type[Exception], ...] = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)
"""A conflict of two transactions: this one was rolled back and can be run again."""


class ConnectionLost(Exception):
    """The connection broke. What was not committed is rolled back and can be run again."""


_TRANSIENT = (
    ConnectionLost,
    *CONNECTION_ERRORS,
    *CONTENTION_ERRORS,
    asyncpg.InsufficientResourcesError,  # disk full, out of memory, too many connections
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.PostgresIOError,
)


class PooledConnection:
    """A connection with its prepared statements, by text. Used by one operation at a time."""

    __slots__ = ("_names", "_prepared", "connection")

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._prepared: dict[str, Any] = {}
        self._names = count(1)

    async def prepared(self, text: str) -> Any:
        """The prepared statement of this text; discards the oldest if there are too many."""
        found = self._prepared.get(text)
        if found is None:
            if len(self._prepared) >= _MAX_PREPARED:
                del self._prepared[next(iter(self._prepared))]
            # Unnamed, asyncpg would have the server parse and plan it at each use.
            name = f"koine_{next(self._names)}"
            found = self._prepared[text] = await self.connection.prepare(text, name=name)
        return found

    def usable(self) -> bool:
        """Whether the connection is open, as far as is known."""
        return not self.connection.is_closed()

    def terminate(self) -> None:
        """Abort the connection; the server rolls its transaction back."""
        self.connection.terminate()


class PostgresTx:
    """The `Tx` of one connection."""

    __slots__ = ("_pooled", "_read_only", "tenant_id")

    def __init__(
        self, pooled: PooledConnection, tenant_id: str, *, read_only: bool = False
    ) -> None:
        self._pooled = pooled
        self._read_only = read_only
        self.tenant_id = tenant_id

    async def all(self, query: Query[R], /, **params: Any) -> list[R]:
        """Every row."""
        plan = _plans.get(query) or _plan(query)
        params.setdefault("tenant_id", self.tenant_id)
        rows, _ = await self._fetch(query, plan.text, plan.bind(params))
        into: Any = query.into or _tuple
        return [into(*row) for row in rows]

    async def one(self, query: Query[R], /, **params: Any) -> R | None:
        """The first row, or None."""
        rows = await self.all(query, **params)
        return rows[0] if rows else None

    async def cursor(self, query: Query[Any], /, **params: Any) -> Any:
        """A cursor of the driver over the rows of a query."""
        plan = _plans.get(query) or _plan(query)
        prepared = await self._pooled.prepared(plan.text)
        return await prepared.cursor(*plan.bind(params))

    async def run(self, command: Command, /, **params: Any) -> int:
        """Execute it; returns the number of rows changed."""
        plan = _plans.get(command) or _plan(command)
        params.setdefault("tenant_id", self.tenant_id)
        _, status = await self._fetch(command, plan.text, plan.bind(params))
        return int(status.rpartition(" ")[2])

    async def many(self, command: ManyCommand, rows: Sequence[tuple[Any, ...]], /) -> list[int]:
        """Execute it for all rows in one statement."""
        text = _texts.get(command) or _texts.setdefault(command, renderer.render_many(command))
        if not rows:
            return []
        numbers, _ = await self._fetch(command, text, renderer.columns(rows))
        return _in_order(numbers)

    async def execute_together(self, *work: RowBatch) -> list[int]:
        """Execute them all in one statement."""
        given = [(command, rows) for command, rows in work if rows]
        if not given:
            return []
        commands = tuple(command for command, _ in given)
        text = _joined.get(commands) or _joined.setdefault(
            commands, renderer.render_together(commands)
        )
        args = [column for _, rows in given for column in renderer.columns(rows)]
        numbers, _ = await self._fetch(commands[0], text, args)
        return _in_order(numbers)

    async def _fetch(self, statement: Statement, text: str, args: Sequence[Any]) -> tuple[Any, str]:
        """The rows, and the command tag ("UPDATE 3")."""
        if self._read_only and statement.writes:
            raise RuntimeError(f"an operation that only reads writes: {statement.origin}")
        prepared = await self._pooled.prepared(text)
        try:
            return await prepared.fetch(*args), prepared.get_statusmsg()
        except asyncpg.UniqueViolationError as error:
            raise Duplicate(error.constraint_name or "") from error


def to_store_error(error: BaseException) -> BaseException:
    """The exception to raise: Unavailable, or the error itself (a refusal, or a bug)."""
    if isinstance(error, _TRANSIENT):
        cause = error.__cause__ or error
        log.warning("the database is unavailable: %s: %s", type(cause).__name__, cause)
        return Unavailable()
    return error


def _in_order(numbers: list[Any]) -> list[int]:
    """The numbers in the order of the rows: they were assigned in it, but RETURNING has no order.
    A command that is not numbered returns nothing, or one row without columns."""
    return sorted(row[0] for row in numbers if len(row))


def _tuple(*row: Any) -> tuple[Any, ...]:
    return row


def _plan(statement: Query[Any] | Command) -> CompiledStatement:
    return _plans.setdefault(statement, renderer.render(statement))
