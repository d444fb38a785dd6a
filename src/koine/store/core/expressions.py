"""Pieces of a statement that the two backends spell differently; used inside Core expressions.

The spelling itself is in the backends' own files; here is only what the pieces mean.
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
    """`column` is one of the values of the parameter `name`, a list (empty = nothing matches)."""
    return InList(column, sa.bindparam(name, type_=sa.ARRAY(column.type)))


def values_table(name: str, columns: Mapping[str, TypeOf]) -> TableValuedAlias:
    """A table made of the parameter `name`, a list of tuples in the order of `columns`.

        wanted = values_table("wanted", {"tenant_id": Uuid, "id": Uuid})
        select(c.id).join_from(wanted, c, (c.tenant_id == wanted.c.tenant_id) & ...)

    Rows come in no promised order: carry a number as a column when the order matters.
    """
    typed = [sa.column(key, type_) for key, type_ in columns.items()]
    rows = ValuesTable(sa.bindparam(name, type_=Rows([column.type for column in typed])))
    rows.columns_given = [column.name for column in typed]
    return rows.table_valued(*typed, name=name)


def contains_text(folded: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    """The folded text contains the parameter `name`, which is folded here (`kit.text_folding`).

    No character of it is a wildcard. Every row is looked at: use it with `read_long`.
    """
    return ContainsText(folded, sa.bindparam(name, type_=SearchTerm()))


def folded_text(
    folded: sa.ColumnElement[Any], text: sa.ColumnElement[Any]
) -> sa.ColumnElement[Any]:
    """A text as searches compare it: its stored folding, or where none is stored because lower
    case is all there is to it (`text_folding.folded_or_none`), its ASCII letters in lower case."""
    return sa.func.coalesce(folded, AsciiLower(text))


def upsert(
    table: sa.Table,
    values: Mapping[str, Any],
    index_elements: Sequence[str],
    set_: Callable[[Excluded], Mapping[str, Any]],
) -> Insert:
    """Insert, or on meeting the unique `index_elements` update with `set_`.

    `set_` is called with the row that was not inserted; `table.c.x` is the row that was there:
    `set_=lambda new: {"value": t.c.value + new.value}`. Add `.returning(...)` to make it a Query.
    """
    insert = Insert(table).values(dict(values))
    return insert.on_conflict_do_update(
        index_elements=[table.c[name] for name in index_elements], set_=dict(set_(insert.excluded))
    )


def insert_ignoring(
    table: sa.Table,
    values: Mapping[str, Any],
    index_elements: Sequence[str],
) -> Insert:
    """Insert, or on meeting the unique `index_elements` do nothing: 0 rows changed."""
    insert = Insert(table).values(dict(values))
    return insert.on_conflict_do_nothing(index_elements=[table.c[name] for name in index_elements])


class LogSnapshotTable(FunctionElement[Any]):
    """A table of one row: `store.events.Look`, as one moment of the database shows it.

    The columns: the last position given out, by transactions that are still open, too; the oldest
    open transaction; a number above every transaction that has begun. Where nobody but the
    committed are ever seen, the last two are 0.
    """

    name = "log_look"
    inherit_cache = True


class InList(FunctionElement[bool]):
    """`in_list`, to be spelled."""

    name = "in_list"
    type = sa.Boolean()
    inherit_cache = True


class ContainsText(FunctionElement[bool]):
    """`contains_text`, to be spelled."""

    name = "contains_text"
    type = sa.Boolean()
    inherit_cache = True


class AsciiLower(FunctionElement[str]):
    """The text with A to Z in lower case, whatever the locale; to be spelled."""

    name = "ascii_lower"
    type = sa.Text()
    inherit_cache = True


class ValuesTable(FunctionElement[Any]):
    """`values_table`, to be spelled."""

    name = "values_table"
    inherit_cache = True
    columns_given: list[str]


class Rows(UserDefinedType[Any]):
    """The type of a parameter that is a list of tuples."""

    cache_ok = True

    def __init__(self, types: Sequence[TypeEngine[Any]]) -> None:
        self.types = tuple(types)

    def get_col_spec(self, **_: object) -> str:
        """Never part of a table."""
        return "ROWS"


class SearchTerm(UserDefinedType[str]):
    """The type of a parameter that is text to be looked for."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Never part of a table."""
        return "TEXT"
