"""A transaction of one tenant within a transaction that crosses tenants."""

from collections.abc import Sequence
from typing import Any, TypeVar

from koine.store.core.db import RowBatch, Tx
from koine.store.core.statements import Command, ManyCommand, Query

R = TypeVar("R")


class TenantTx:
    """A `Tx` that passes this tenant's id to the statements of another `Tx`."""

    __slots__ = ("_tx", "tenant_id")

    def __init__(self, tx: Tx, tenant_id: str) -> None:
        self._tx = tx
        self.tenant_id = tenant_id

    async def all(self, query: Query[R], /, **params: Any) -> list[R]:
        """Every row."""
        return await self._tx.all(query, **{"tenant_id": self.tenant_id} | params)

    async def one(self, query: Query[R], /, **params: Any) -> R | None:
        """The first row, or None."""
        return await self._tx.one(query, **{"tenant_id": self.tenant_id} | params)

    async def run(self, command: Command, /, **params: Any) -> int:
        """Execute it; returns the number of rows changed."""
        return await self._tx.run(command, **{"tenant_id": self.tenant_id} | params)

    async def many(self, command: ManyCommand, rows: Sequence[tuple[Any, ...]], /) -> list[int]:
        """Execute it for all rows; each names its tenant itself."""
        return await self._tx.many(command, rows)

    async def execute_together(self, *work: RowBatch) -> list[int]:
        """As `many` for each."""
        return await self._tx.execute_together(*work)
