"""What a backend makes of a statement: text, and how to turn values into its arguments and back."""

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
    """`names` are the parameters in the order of the text's placeholders.

    `converts` are (position, function) of the arguments that need one, `bools` the positions of
    the answer's columns that are booleans.
    """

    text: str
    names: tuple[str, ...]
    converts: tuple[tuple[int, Convert], ...]
    bools: tuple[int, ...]

    def bind(self, params: dict[str, Any]) -> Sequence[Any]:
        """The arguments in order. Raises TypeError for a missing one."""
        try:
            args = [params[name] for name in self.names]
        except KeyError as missing:
            raise TypeError(f"no value for {missing} in: {self.text}") from None
        for position, convert in self.converts:
            args[position] = convert(args[position])
        return args


class InlineConstants(SQLCompiler):
    """Mixed into a dialect's compiler: plain values of a statement become part of its text.

    So the planner sees `status = 'open'` and may use a partial index; and the OFFSET that one
    dialect adds by itself is no hidden parameter.
    """

    def visit_bindparam(self, bindparam: Any, *args: Any, **kw: Any) -> Any:
        """Named parameters stay parameters."""
        if bindparam.unique and not bindparam.required and bindparam.callable is None:
            kw["literal_binds"] = True
        visit: Any = super().visit_bindparam
        return visit(bindparam, *args, **kw)


def compile_statement(
    core: ClauseElement,
    dialect: Dialect,
    conversion: Callable[[BindParameter[Any]], Convert | None],
) -> CompiledStatement:
    """Compile `core` once; `conversion` says how the backend wants a parameter's value."""
    compiled = core.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    names = tuple(compiled.positiontup or ())
    found = [(i, conversion(compiled.binds[name])) for i, name in enumerate(names)]
    # The columns as they were rendered: the only list that keeps equal names of a join apart.
    answer = enumerate(compiled._result_columns)
    return CompiledStatement(
        text=str(compiled),
        names=tuple(parameter_name(compiled.binds[name]) for name in names),
        converts=tuple((i, convert) for i, convert in found if convert),
        bools=tuple(i for i, column in answer if isinstance(column.type, sa.Boolean)),
    )


def parameter_name(bind: BindParameter[Any]) -> str:
    """The name of the parameter that a placeholder takes its value from."""
    return getattr(bind.type, "source", None) or bind.key
