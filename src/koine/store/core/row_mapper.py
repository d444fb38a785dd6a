"""Which columns make a struct, by the names of its fields, so that no query counts places in a row.

The order is settled at import. A row then becomes a struct by one call of the struct itself, with
the row's values in the order of its fields: naming the columns costs nothing when a query runs.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from msgspec import Struct
from sqlalchemy import ColumnElement, FromClause

R = TypeVar("R", bound=Struct)


class RowMapper(Generic[R]):
    """The columns of a query's rows and the function that makes a struct of each:

        MESSAGE = RowMapper(Message, messages, sender_email=identities.c.email)
        _BY_ID = Query(select(*MESSAGE.columns).where(...), MESSAGE.into)

    A field is the column of `table` with its name, unless it is among `fields`: there it is another
    column, or None to leave it out of the row (it has its default then, and so have all after it).
    The last field of a row may be a struct of its own, a `RowMapper`; it is None where an outer
    join found nothing for it. Raises TypeError for names that do not fit, when it is built.
    """

    def __init__(
        self,
        struct: type[R],
        table: FromClause,
        **fields: "ColumnElement[Any] | RowMapper[Any] | None",
    ) -> None:
        if unknown := fields.keys() - set(struct.__struct_fields__):
            raise TypeError(f"{struct.__name__} has no field {sorted(unknown)}")
        found = [fields.get(name, table.c.get(name)) for name in struct.__struct_fields__]
        while found and found[-1] is None and struct.__struct_fields__[len(found) - 1] in fields:
            found.pop()
        last = found.pop() if found and isinstance(found[-1], RowMapper) else None
        self.columns: list[ColumnElement[Any]] = []
        for name, column in zip(struct.__struct_fields__, found, strict=False):
            if not isinstance(column, ColumnElement):
                raise TypeError(f"{struct.__name__}.{name} is no column")
            self.columns.append(column)
        self.into: Callable[..., R] = struct
        if isinstance(last, RowMapper):
            self.into = _with_last(struct, len(self.columns), last.into)
            self.columns += last.columns


def _with_last(struct: Callable[..., R], width: int, part: Callable[..., Any]) -> Callable[..., R]:
    """Make the struct of `width` values and of what the values after them make."""

    def into(*row: Any) -> R:
        return struct(*row[:width], None if row[width] is None else part(*row[width:]))

    return into
