"""SQL expressions that the two databases write differently, for use in Core statements.

Here is what they mean; `postgres/renderer.py` and `sqlite/renderer.py` render them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert  # its ON CONFLICT suits both backends
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.elements import KeyedColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine, UserDefinedType

Excluded = ReadOnlyColumnCollection[str, KeyedColumnElement[Any]]
TypeOf = TypeEngine[Any] | type[TypeEngine[Any]]


def in_list(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    """`column` equals one of the values of the list parameter `name`; no row matches an empty
    one."""
    return InList(column, sa.bindparam(name, type_=sa.ARRAY(column.type)))


def values_table(name: str, columns: Mapping[str, TypeOf]) -> TableValuedAlias:
    """A table of the rows of the parameter `name`, a list of tuples in the order of `columns`.

        wanted = values_table("wanted", {"tenant_id": Uuid, "id": Uuid})
        select(c.id).join_from(wanted, c, (c.tenant_id == wanted.c.tenant_id) & ...)

    The order of the rows is not defined: add a column with a number where it matters.
    """
    typed = [sa.column(key, type_) for key, type_ in columns.items()]
    rows = ValuesTable(sa.bindparam(name, type_=Rows([column.type for column in typed])))
    rows.columns_given = [column.name for column in typed]
    return rows.table_valued(*typed, name=name)


def contains_text(folded: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    """The folded text contains the parameter `name`, which is folded here (`text_folding`).

    No character of it is a wildcard. It reads every row: use it with `read_long`.
    """
    return ContainsText(folded, sa.bindparam(name, type_=SearchTerm()))


def folded_text(
    folded: sa.ColumnElement[Any], text: sa.ColumnElement[Any]
) -> sa.ColumnElement[Any]:
    """A text as searches compare it: its stored folded text, or where none is stored because the
    folded text is the ASCII lower case (`text_folding.folded_or_none`), that."""
    return sa.func.coalesce(folded, AsciiLower(text))


def upsert(
    table: sa.Table,
    values: Mapping[str, Any],
    index_elements: Sequence[str],
    set_: Callable[[Excluded], Mapping[str, Any]],
    where: sa.ColumnElement[bool] | None = None,
) -> Insert:
    """INSERT … ON CONFLICT (`index_elements`) DO UPDATE SET `set_` WHERE `where`.

    `set_` is called with the row that was not inserted (`excluded`); the columns of `table` are
    those of the existing row: `set_=lambda new: {"value": t.c.value + new.value}`. Add
    `.returning(...)` to make it a Query."""
    insert = Insert(table).values(dict(values))
    return insert.on_conflict_do_update(
        index_elements=[table.c[name] for name in index_elements],
        set_=dict(set_(insert.excluded)),
        where=where,
    )


def insert_ignoring(
    table: sa.Table,
    values: Mapping[str, Any],
    index_elements: Sequence[str],
) -> Insert:
    """INSERT … ON CONFLICT (`index_elements`) DO NOTHING; then 0 rows are changed."""
    insert = Insert(table).values(dict(values))
    return insert.on_conflict_do_nothing(index_elements=[table.c[name] for name in index_elements])


class LogSnapshotTable(FunctionElement[Any]):
    """A table of one row, a `store.events.events.LogSnapshot`, as of one moment.

    Its columns: the last position assigned, also by open transactions; the oldest open transaction;
    a number above those of all transactions that have begun. The last two are 0 on SQLite, where
    nothing but committed rows is ever visible.
    """

    name = "log_snapshot"
    inherit_cache = True


class InList(FunctionElement[bool]):
    """The element of `in_list`."""

    name = "in_list"
    type = sa.Boolean()
    inherit_cache = True


class ContainsText(FunctionElement[bool]):
    """The element of `contains_text`."""

    name = "contains_text"
    type = sa.Boolean()
    inherit_cache = True


class AsciiLower(FunctionElement[str]):
    """The text with A to Z in lower case, independent of the locale."""

    name = "ascii_lower"
    type = sa.Text()
    inherit_cache = True


class ValuesTable(FunctionElement[Any]):
    """The element of `values_table`."""

    name = "values_table"
    inherit_cache = True
    columns_given: list[str]


class Rows(UserDefinedType[Any]):
    """The type of a parameter that is a list of tuples."""

    cache_ok = True

    def __init__(self, types: Sequence[TypeEngine[Any]]) -> None:
        self.types = tuple(types)

    def get_col_spec(self, **_: object) -> str:
        """Required by SQLAlchemy; no column of a table has this type."""
        return "ROWS"


class SearchTerm(UserDefinedType[str]):
    """The type of a parameter with text to search for."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Required by SQLAlchemy; no column of a table has this type."""
        return "TEXT"
