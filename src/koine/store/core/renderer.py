"""What both backends spell alike in the texts that are not Core's own."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from koine.store.core.statements import InsertMany


class StatementRenderer:
    """Spells with one dialect's quotes."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def name(self, thing: sa.Column[Any] | sa.Table | None) -> str:
        """A table's or column's name, quoted where it must be."""
        assert thing is not None
        return self._dialect.identifier_preparer.quote(thing.name)

    def names(self, columns: Iterable[sa.Column[Any]]) -> str:
        """Columns, by comma."""
        return ", ".join(map(self.name, columns))

    def on_conflict(self, command: InsertMany) -> str:
        """What an insert of many does with a row that is there: nothing, or add to it."""
        if not command.on_conflict:
            return ""
        table = self.name(command.table)
        adds = [f"{n} = {table}.{n} + excluded.{n}" for n in map(self.name, command.adding)]
        does = f"UPDATE SET {', '.join(adds)}" if adds else "NOTHING"
        return f" ON CONFLICT ({self.names(command.on_conflict)}) DO {does}"
