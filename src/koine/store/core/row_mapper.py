"""Maps columns to the fields of a struct by name, so that no query depends on positions in a row.

The order of the columns is fixed at import. Each row then becomes a struct by one call with the
values in the order of the fields, so the mapping by name costs nothing when a query runs.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from msgspec import Struct
from sqlalchemy import ColumnElement, FromClause

R = TypeVar("R", bound=Struct)


class RowMapper(Generic[R]):
    """The columns to select, and the function that makes a struct of each row:

        MESSAGE = RowMapper(Message, messages, sender_email=identities.c.email)
        _BY_ID = Query(select(*MESSAGE.columns).where(...), MESSAGE.into)

    A field gets the column of `table` with its name, unless `fields` names another column, or None:
    then it and all fields after it keep their defaults. The last field may be a struct itself, a
    `RowMapper`; it is None where an outer join found no row. Raises TypeError when it is built if
    a name does not fit.
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
    """Make the struct of the first `width` values, and its last field of the others."""

    def into(*row: Any) -> R:
        return struct(*row[:width], None if row[width] is None else part(*row[width:]))

    return into
