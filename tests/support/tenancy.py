"""Finds the tables of a SQLAlchemy statement that are not restricted to one tenant.

A table is restricted when its `tenant_id` (the `id` of `tenants`) equals the parameter `tenant_id`,
or that column of a restricted table, or a column of rows passed as a parameter.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import BinaryExpression, BindParameter, ClauseElement, ColumnClause
from sqlalchemy.sql.selectable import CTE, Alias, FromClause, Subquery, TableValuedAlias

PARAMETER = "tenant_id"
NAMED = "given"


def violations(statement: Any) -> list[str]:
    """The unrestricted tables of a store's Statement, unless it is marked `crosses_tenants`."""
    if statement.crosses_tenants:
        return []
    if statement.core is None:
        keys = getattr(statement, "keys", statement.columns)
        named = any(column.name == PARAMETER for column in keys)
        missing = [] if named else [statement.table.name]
    else:
        missing = unnamed(statement.core)
    return [f"{statement.origin}: {table} without its tenant" for table in missing]


def unnamed(core: ClauseElement) -> list[str]:
    """The names of the tables in `core` that are not restricted to one tenant."""
    elements = list(visitors.iterate(core))
    named = _Groups()
    for element in elements:
        for left, right in _equal(element):
            named.join(left, right)
    for table in _inserted(elements):
        named.join(_key(table), NAMED)
    tables = {id(table): table for table in _tables(elements)}
    return [_name(t) for t in tables.values() if not named.same(_key(t), NAMED)]


class _Groups:
    """Groups of columns that are equal to each other (a disjoint-set forest)."""

    def __init__(self) -> None:
        self._up: dict[object, object] = {}

    def join(self, left: object, right: object) -> None:
        self._up[self._top(left)] = self._top(right)

    def same(self, left: object, right: object) -> bool:
        return self._top(left) == self._top(right)

    def _top(self, thing: object) -> object:
        while thing in self._up and self._up[thing] != thing:
            thing = self._up[thing]
        return thing


def _equal(element: object) -> Iterator[tuple[object, object]]:
    if isinstance(element, BinaryExpression) and element.operator is operators.eq:
        left, right = _side(element.left), _side(element.right)
        if left and right:
            yield left, right
    if isinstance(element, ColumnClause) and isinstance(element.table, Subquery | CTE):
        yield from ((_side(element), _side(base)) for base in element.base_columns)


def _side(part: object) -> object:
    if isinstance(part, BindParameter):
        return NAMED if part.key == PARAMETER else None
    if isinstance(part, ColumnClause) and part.table is not None:
        return NAMED if isinstance(part.table, TableValuedAlias) else (id(part.table), part.name)
    return None


def _inserted(elements: Iterable[object]) -> Iterator[sa.Table]:
    for insert in elements:
        if isinstance(insert, Insert) and isinstance(insert.table, sa.Table):
            # SQLAlchemy has no public attribute with the columns that an insert fills.
            filled = [*(insert._values or ()), *(insert._select_names or ())]
            if _tenant_column(insert.table) in {getattr(c, "name", c) for c in filled}:
                yield insert.table


def _tables(elements: Iterable[object]) -> Iterator[FromClause]:
    for element in elements:
        found = element.table if isinstance(element, ColumnClause) else element
        if isinstance(found, FromClause) and _of_a_tenant(found):
            yield found


def _of_a_tenant(found: object) -> bool:
    if isinstance(found, Alias):
        # `excluded` is the row that ON CONFLICT did not insert.
        return found.name != "excluded" and _of_a_tenant(found.element)
    return isinstance(found, sa.Table) and (found.name == "tenants" or PARAMETER in found.c)


def _key(table: FromClause) -> object:
    return (id(table), _tenant_column(table))


def _tenant_column(table: FromClause) -> str:
    return "id" if _name(table) == "tenants" else PARAMETER


def _name(table: FromClause) -> str:
    base = table.element if isinstance(table, Alias) else table
    return str(getattr(base, "name", base))
