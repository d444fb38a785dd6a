"""Renders the statements of `store.core` as SQLite's SQL."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler, SQLiteDialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import BindParameter

from koine.kit.json import json_text
from koine.store.core.compiled import CompiledStatement, Convert, InlineConstants, compile_statement
from koine.store.core.expressions import (
    AsciiLower,
    ContainsText,
    InList,
    LogSnapshotTable,
    Rows,
    SearchTerm,
    ValuesTable,
)
from koine.store.core.renderer import StatementRenderer
from koine.store.core.statements import Command, InsertMany, ManyCommand, Query, UpdateMany
from koine.store.core.text_folding import fold


class _Compiler(InlineConstants, SQLiteCompiler):
    def visit_join(
        self, join: Any, asfrom: bool = False, from_linter: Any = None, **kw: Any
    ) -> str:
        """Keep a table of parameters first in its join. The planner cannot know how few rows it
        has, and might read all of a tenant first; SQLite does not reorder a CROSS JOIN."""
        visit: Any = super().visit_join
        text: str = visit(join, asfrom=asfrom, from_linter=from_linter, **kw)
        if not join.isouter and isinstance(getattr(join.left, "element", None), ValuesTable):
            text = text.replace(" JOIN ", " CROSS JOIN ", 1)
        return text


DIALECT = SQLiteDialect(paramstyle="qmark")
DIALECT.statement_compiler = _Compiler
# Every SQLite we support has true and false; otherwise `x IN (…)` becomes `(x IN (…)) = 1`.
DIALECT.supports_native_boolean = True
_renderer = StatementRenderer(DIALECT)


def render(statement: Query[Any] | Command) -> CompiledStatement:
    """Compile a statement."""
    assert statement.core is not None
    return compile_statement(statement.core, DIALECT, _conversion)


def render_many(command: ManyCommand) -> str:
    """The statement to execute for each row; its placeholders are the columns of the row, in order,
    and after them its number if the command is numbered."""
    if isinstance(command, InsertMany):
        return _insert_many(command)
    return _update_many(command)


def render_numbers(column: sa.Column[Any]) -> str:
    """The statement that takes the next `?` numbers of a numbered column and returns the last. The
    count is a row of `server`, since SQLite has no sequences; no other writer waits for it."""
    return (
        f"INSERT INTO server (name, value) VALUES ('{numbers_of(column)}', ?1)"
        " ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + ?1"
        " RETURNING CAST(value AS INTEGER)"
    )


def numbers_of(column: sa.Column[Any]) -> str:
    """The name of the row of `server` with the last number assigned."""
    return f"last:{column.table.name}.{column.name}"


def _conversion(bind: BindParameter[Any]) -> Convert | None:
    if isinstance(bind.type, sa.ARRAY | Rows):
        return json_text
    return fold if isinstance(bind.type, SearchTerm) else None


@compiles(InList, "sqlite")
def _in_list(element: InList, compiler: Any, **kw: Any) -> str:
    column, values = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({values})))"


@compiles(ContainsText, "sqlite")
def _contains_text(element: ContainsText, compiler: Any, **kw: Any) -> str:
    column, needle = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(instr({column}, {needle}) > 0)"


@compiles(AsciiLower, "sqlite")
def _ascii_lower(element: AsciiLower, compiler: Any, **kw: Any) -> str:
    (column,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"lower({column})"


@compiles(ValuesTable, "sqlite")
def _values_table(element: ValuesTable, compiler: Any, **kw: Any) -> str:
    (rows,) = (compiler.process(clause, **kw) for clause in element.clauses)
    cells = ", ".join(f"value->>{i} AS {name}" for i, name in enumerate(element.columns_given))
    return f"(SELECT {cells} FROM json_each({rows}))"


@compiles(LogSnapshotTable, "sqlite")
def _log_snapshot(element: LogSnapshotTable, compiler: Any, **kw: Any) -> str:
    # With one writer, every visible row is committed.
    last = "SELECT seq FROM sqlite_sequence WHERE name = 'events'"
    return f"(SELECT coalesce(({last}), 0) AS last, 0 AS oldest_open, 0 AS next_begun)"


def _insert_many(command: InsertMany) -> str:
    table = _renderer.name(command.table)
    columns = (
        [*command.columns, command.numbered] if command.numbered is not None else command.columns
    )
    marks = ", ".join("?" for _ in columns)
    text = f"INSERT INTO {table} ({_renderer.names(columns)}) VALUES ({marks})"
    return text + _renderer.on_conflict(command)


def _update_many(command: UpdateMany) -> str:
    mark = {column.name: f"?{i}" for i, column in enumerate(command.columns, 1)}
    sets = [f"{_renderer.name(c)} = {mark[c.name]}" for c in command.sets]
    for c in command.greatest:
        name, given = _renderer.name(c), mark[c.name]
        sets.append(f"{name} = max(coalesce({name}, {given}), coalesce({given}, {name}))")
    where = [f"{_renderer.name(c)} = {mark[c.name]}" for c in command.keys]
    return (
        f"UPDATE {_renderer.name(command.table)} SET {', '.join(sets)} WHERE {' AND '.join(where)}"
    )
