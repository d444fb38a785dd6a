"""Renders the statements of `store.core` as PostgreSQL's SQL."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import PGCompiler_asyncpg, PGDialect_asyncpg
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import BindParameter

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


class _Compiler(InlineConstants, PGCompiler_asyncpg):
    pass


DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # so in SQLAlchemy
DIALECT.statement_compiler = _Compiler
_renderer = StatementRenderer(DIALECT)


class _Cells(sa.ARRAY[Any]):
    """The type of an array with one column of the rows of the parameter `source`."""

    def __init__(self, type_: Any, source: str, index: int) -> None:
        super().__init__(type_)
        self.source = source
        self.index = index


def render(statement: Query[Any] | Command) -> CompiledStatement:
    """Compile a statement."""
    assert statement.core is not None
    return compile_statement(statement.core, DIALECT, _conversion)


def render_many(command: ManyCommand, first: int = 1) -> str:
    """One statement for all rows; its parameters, numbered from `first`, are an array for each
    column."""
    if isinstance(command, InsertMany):
        return _insert_many(command, first)
    return _update_many(command, first)


def render_together(commands: Sequence[ManyCommand]) -> str:
    """One statement that executes them all; its parameters are those of each, in order."""
    parts: list[str] = []
    first, result = 1, "SELECT"
    for command in commands:
        parts.append(f"part_{len(parts)} AS ({render_many(command, first)})")
        if command.numbered is not None:
            result = f"SELECT {_renderer.name(command.numbered)} FROM part_{len(parts) - 1}"
        first += len(command.columns)
    return f"WITH {', '.join(parts)} {result}"


def _conversion(bind: BindParameter[Any]) -> Convert | None:
    type_ = bind.type
    if isinstance(type_, _Cells):
        index = type_.index
        return lambda rows: [row[index] for row in rows]
    return fold if isinstance(type_, SearchTerm) else None


@compiles(InList, "postgresql")
def _in_list(element: InList, compiler: Any, **kw: Any) -> str:
    column, values = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({column} = ANY ({values}))"


@compiles(ContainsText, "postgresql")
def _contains_text(element: ContainsText, compiler: Any, **kw: Any) -> str:
    column, needle = (compiler.process(clause, **kw) for clause in element.clauses)
    # COLLATE "C" compares bytes, whatever the collation of the database is.
    return f'(strpos({column} COLLATE "C", {needle}::text) > 0)'


@compiles(AsciiLower, "postgresql")
def _ascii_lower(element: AsciiLower, compiler: Any, **kw: Any) -> str:
    (column,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f'lower({column} COLLATE "C")'


@compiles(ValuesTable, "postgresql")
def _values_table(element: ValuesTable, compiler: Any, **kw: Any) -> str:
    (rows,) = element.clauses
    assert isinstance(rows, BindParameter) and isinstance(rows.type, Rows)
    cells = [
        sa.bindparam(f"{rows.key}__{i}", type_=_Cells(type_, rows.key, i))
        for i, type_ in enumerate(rows.type.types)
    ]
    arrays = ", ".join(compiler.process(cell, **kw) for cell in cells)
    return f"(SELECT * FROM unnest({arrays}) AS u({', '.join(element.columns_given)}))"


@compiles(LogSnapshotTable, "postgresql")
def _log_snapshot(element: LogSnapshotTable, compiler: Any, **kw: Any) -> str:
    # xmax is one above the last transaction that *ended*: one that began later may be open, and
    # does not count for xmin either. age() counts from the next number to be assigned.
    return (
        "(SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS last,"
        " pg_snapshot_xmin(s)::text::bigint AS oldest_open,"
        " pg_snapshot_xmax(s)::text::bigint + age(pg_snapshot_xmax(s)::xid) AS next_begun"
        " FROM events_position_seq, pg_current_snapshot() AS s)"
    )


def _insert_many(command: InsertMany, first: int) -> str:
    table = _renderer.name(command.table)
    given = f"SELECT * FROM {_unnest(command, first)}"
    text = f"INSERT INTO {table} ({_renderer.names(command.columns)}) {given}"
    text += _renderer.on_conflict(command)
    if command.numbered is not None:
        text += f" RETURNING {_renderer.name(command.numbered)}"
    return text


def _update_many(command: UpdateMany, first: int) -> str:
    table = _renderer.name(command.table)
    sets = [f"{n} = v.{n}" for n in map(_renderer.name, command.sets)]
    sets += [f"{n} = greatest({table}.{n}, v.{n})" for n in map(_renderer.name, command.greatest)]
    where = [f"{table}.{n} = v.{n}" for n in map(_renderer.name, command.keys)]
    given = f"{_unnest(command, first)} AS v({_renderer.names(command.columns)})"
    return f"UPDATE {table} SET {', '.join(sets)} FROM {given} WHERE {' AND '.join(where)}"


def _unnest(command: ManyCommand, first: int) -> str:
    types = (DIALECT.type_compiler_instance.process(column.type) for column in command.columns)
    return f"unnest({', '.join(f'${i}::{name}[]' for i, name in enumerate(types, first))})"


def columns(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The columns of rows: the arguments of what `render_many` renders."""
    return list(zip(*rows, strict=True))
