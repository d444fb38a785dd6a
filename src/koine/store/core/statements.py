"""Statements: built once at import from SQLAlchemy Core, compiled once per backend, run by drivers.

Every statement is a module constant of the file of its entity:

    _BY_ID = Query(
        select(c.id, c.subject).where(c.tenant_id == param("tenant_id"), c.id == param("id")),
        into=ConversationHead,
    )

The value of a `param()` is given at each call; the Tx supplies that of `tenant_id`. Any other
Python value in a statement is a constant and written into its text, so that partial indexes match.
"""

import sys
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints, overload

import sqlalchemy as sa
from msgspec import Struct, structs
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import ClauseElement

R = TypeVar("R")
N = TypeVar("N")
V = TypeVar("V", bound=Struct)
Row = tuple[Any, ...]

STATEMENTS: "list[Statement]" = []
VARIANTS: "list[StatementVariants[Any, Any]]" = []
_CORE = "koine.store.core."


class Statement:
    """The base of the four kinds. `core` is the Core element (None for InsertMany and UpdateMany).

    `crosses_tenants` is the reason why it does not name a tenant; without one, a test requires that
    it does. `writes` is whether it changes rows; then `read` refuses to run it. `module` and
    `origin` ("file.py:line") are where it was built, for the tests.
    """

    def __init__(self, core: ClauseElement | None, table: sa.Table | None, reason: str) -> None:
        self.core = core
        self.table = table
        self.crosses_tenants = reason
        self.writes = core is None or isinstance(core, UpdateBase)
        self.module, self.origin = _origin()
        STATEMENTS.append(self)


class Query(Statement, Generic[R]):
    """A statement that returns rows: a select, or an insert, update or delete with `returning`.

    `into` is called with the row's columns in order (`into(*row)`): a Struct, a NamedTuple, or
    `int` or `str` for a single column that is never NULL. Without it a row is a plain tuple.
    Booleans are bools; JSON columns stay `str`.
    """

    @overload
    def __init__(
        self: "Query[Row]", core: ClauseElement, into: None = None, *, crosses_tenants: str = ""
    ) -> None: ...
    @overload
    def __init__(
        self: "Query[N]",
        core: ClauseElement,
        into: Callable[..., N],
        *,
        crosses_tenants: str = "",
    ) -> None: ...
    def __init__(
        self,
        core: ClauseElement,
        into: Callable[..., Any] | None = None,
        *,
        crosses_tenants: str = "",
    ) -> None:
        super().__init__(core, getattr(core, "table", None), crosses_tenants)
        self.into = into


class Command(Statement):
    """An insert, update or delete without `returning`; the result is the number of rows changed."""

    def __init__(self, core: ClauseElement, *, crosses_tenants: str = "") -> None:
        super().__init__(core, getattr(core, "table", None), crosses_tenants)


class InsertMany(Statement):
    """One insert of many rows, each a tuple in the order of `columns`.

    `numbered` names another column (`tables.base.numbered`): the rows get the next numbers of the
    sequence in it, in their order, and `Tx.many` returns these.

    `on_conflict` names the columns of a unique constraint: a row that violates it is skipped, or
    the values of its `adding` columns are added to the existing row (then no key may occur twice in
    one call)."""

    def __init__(
        self,
        table: sa.Table,
        columns: Sequence[str],
        *,
        on_conflict: Sequence[str] = (),
        adding: Sequence[str] = (),
        numbered: str = "",
        crosses_tenants: str = "",
    ) -> None:
        super().__init__(None, table, crosses_tenants)
        self.columns = [table.c[name] for name in columns]
        self.numbered = table.c[numbered] if numbered else None
        self.on_conflict = [table.c[name] for name in on_conflict]
        self.adding = [table.c[name] for name in adding]


class UpdateMany(Statement):
    """One update of many rows, each a tuple in the order keys + sets + greatest.

    `sets` are assigned; `greatest` only if the value is greater (NULL is the smallest). Within one
    call no two rows may have the same key: which of them wins differs between the databases.
    """

    numbered = None

    def __init__(
        self,
        table: sa.Table,
        keys: Sequence[str],
        sets: Sequence[str] = (),
        *,
        greatest: Sequence[str] = (),
        crosses_tenants: str = "",
    ) -> None:
        super().__init__(None, table, crosses_tenants)
        self.keys = [table.c[name] for name in keys]
        self.sets = [table.c[name] for name in sets]
        self.greatest = [table.c[name] for name in greatest]
        self.columns = self.keys + self.sets + self.greatest


ManyCommand = InsertMany | UpdateMany


class StatementVariants(Generic[V, R]):
    """A query for each value of `V`, a frozen Struct with the options; each is built once.

    The fields of a `V` are bools, Literals (the default first) or such Structs, so that tests can
    list the variants. `build` makes the query of one.

        class Listed(Struct, frozen=True):
            status: bool = False

        _LIST = StatementVariants(_list, Listed)
        rows = await tx.all(_LIST.of(Listed(status=True)), status="open", limit=20)
    """

    def __init__(self, build: Callable[[V], Query[R]], variants: type[V]) -> None:
        self._build = build
        self._variants = variants
        self._queries: dict[V, Query[R]] = {}
        VARIANTS.append(self)

    def of(self, variant: V) -> Query[R]:
        """The query of this variant."""
        if (query := self._queries.get(variant)) is None:
            query = self._queries[variant] = self._build(variant)
        return query

    def sample(self) -> list[Query[R]]:
        """For tests of every statement: the default variant, those that differ from it in one field
        or in two, and the one that differs in all."""
        default = self._variants()
        single = {name: _others(type_) for name, type_ in get_type_hints(self._variants).items()}
        each = [{name: value} for name, values in single.items() for value in values]
        pairs = [one | other for one, other in combinations(each, 2) if one.keys() != other.keys()]
        every = {name: values[-1] for name, values in single.items()}
        return [self.of(structs.replace(default, **some)) for some in [{}, *each, *pairs, every]]


def _others(type_: Any) -> list[Any]:
    """The values of a field of a variant, without its default."""
    if type_ is bool:
        return [True]
    if get_origin(type_) is Literal:
        return list(get_args(type_)[1:])
    single = {name: _others(each) for name, each in get_type_hints(type_).items()}
    return [type_(**{name: value}) for name, values in single.items() for value in values]


def param(name: str, type_: Any = None) -> sa.BindParameter[Any]:
    """A parameter. Its type is that of the column it is compared with; give `type_` without one."""
    return sa.bindparam(name, type_=type_)


def _origin() -> tuple[str, str]:
    """The module that defines a statement, not one of `core` that builds it for that module."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_CORE):
        frame = frame.f_back
    file = frame.f_code.co_filename.rsplit("/", 1)[-1]
    return str(frame.f_globals.get("__name__")), f"{file}:{frame.f_lineno}"
