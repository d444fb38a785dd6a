"""What both databases write alike in the statements that SQLAlchemy does not render."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from koine.store.core.statements import InsertMany


class StatementRenderer:
    """Renders names and ON CONFLICT with the quoting rules of a dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def name(self, named: sa.Column[Any] | sa.Table | None) -> str:
        """The name of a table or column, quoted where necessary."""
        assert named is not None
        return self._dialect.identifier_preparer.quote(named.name)

    def names(self, columns: Iterable[sa.Column[Any]]) -> str:
        """The names of columns, separated by commas."""
        return ", ".join(map(self.name, columns))

    def on_conflict(self, command: InsertMany) -> str:
        """The ON CONFLICT clause: do nothing, or add to the columns of the existing row."""
        if not command.on_conflict:
            return ""
        table = self.name(command.table)
        sums = [f"{n} = {table}.{n} + excluded.{n}" for n in map(self.name, command.adding)]
        action = f"UPDATE SET {', '.join(sums)}" if sums else "NOTHING"
        return f" ON CONFLICT ({self.names(command.on_conflict)}) DO {action}"
