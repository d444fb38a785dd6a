"""`model.display_name.display_name` as SQL, for messages that are joined to their senders."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, case, func

BLANK = ""


def display_name(person: FromClause) -> ColumnElement[Any]:
    """The name shown of a row of `identities`, or NULL."""
    parts = [func.nullif(func.trim(person.c[n]), BLANK) for n in ("first_name", "last_name")]
    both = func.nullif(func.concat_ws(" ", *parts), BLANK)
    return case((func.trim(person.c.name) != BLANK, person.c.name), else_=both)
