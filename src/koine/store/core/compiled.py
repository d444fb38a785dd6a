"""A statement compiled for one database: its text, and the conversion of its parameters and
rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import BindParameter, ClauseElement

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class CompiledStatement:
    """`names` are the parameters in the order of the placeholders in `text`.

    `converts` are the (position, function) of arguments to convert, `bools` the positions of
    boolean columns in the result, which SQLite returns as numbers."""

    text: str
    names: tuple[str, ...]
    converts: tuple[tuple[int, Convert], ...]
    bools: tuple[int, ...]

    def bind(self, params: dict[str, Any]) -> Sequence[Any]:
        """The arguments in the order of the placeholders. Raises TypeError if one is missing."""
        try:
            args = [params[name] for name in self.names]
        except KeyError as missing:
            raise TypeError(f"no value for {missing} in: {self.text}") from None
        for position, convert in self.converts:
            args[position] = convert(args[position])
        return args


class InlineConstants(SQLCompiler):
    """A mixin for a dialect's compiler that writes constants into the text of a statement.

    So the planner sees `status = 'open'` and can use a partial index, and the OFFSET that SQLite's
    dialect adds to a LIMIT is not an unexpected parameter.
    """

    def visit_bindparam(self, bindparam: Any, *args: Any, **kw: Any) -> Any:
        """Render named parameters as placeholders, everything else as literals."""
        if bindparam.unique and not bindparam.required and bindparam.callable is None:
            kw["literal_binds"] = True
        visit: Any = super().visit_bindparam
        return visit(bindparam, *args, **kw)


def compile_statement(
    core: ClauseElement,
    dialect: Dialect,
    conversion: Callable[[BindParameter[Any]], Convert | None],
) -> CompiledStatement:
    """Compile `core`; `conversion` returns the function that a parameter's value needs, or None."""
    compiled = core.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    names = tuple(compiled.positiontup or ())
    found = [(i, conversion(compiled.binds[name])) for i, name in enumerate(names)]
    # The public collections of columns drop those of a join that have equal names.
    columns = enumerate(compiled._result_columns)
    return CompiledStatement(
        text=str(compiled),
        names=tuple(parameter_name(compiled.binds[name]) for name in names),
        converts=tuple((i, convert) for i, convert in found if convert),
        bools=tuple(i for i, column in columns if isinstance(column.type, sa.Boolean)),
    )


def parameter_name(bind: BindParameter[Any]) -> str:
    """The name of the parameter whose value a placeholder gets."""
    return getattr(bind.type, "source", None) or bind.key
