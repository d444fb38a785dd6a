"""Column types of the tables, and what they are called in the DDL of each database."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import UserDefinedType


class Uuid(UserDefinedType[str]):
    """An id: canonical text in Python, `uuid` where the database has that type, else text."""

    cache_ok = True
    render_bind_cast = True

    def get_col_spec(self, **_: object) -> str:
        """Its name in DDL."""
        return "UUID"

    def literal_processor(self, dialect: Dialect) -> Callable[[str], str]:
        """Quotes a constant id; drops every character that a UUID does not have."""
        return lambda value: "'" + "".join(c for c in value if c in "0123456789abcdef-") + "'"


@compiles(Uuid, "sqlite")
def _uuid_as_text(type_: Uuid, compiler: Any, **_: object) -> str:
    return "TEXT"
