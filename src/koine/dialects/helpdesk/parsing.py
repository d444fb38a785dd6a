"""Ids and pages of requests."""

from typing import TypeVar

from koine.dialects.helpdesk import schemas
from koine.http.request import AnyRequest
from koine.kit.ids import canonical_id
from koine.model.errors import Invalid, Malformed
from koine.model.page import Window, page_window

MAX_LIMIT = 100


def path_id(call: AnyRequest) -> str:
    """What the path's `{id}` names. Raises Malformed for what is no id (contracts/README.md)."""
    found = canonical_id(call.path["id"])
    if found is None:
        raise Malformed("id must be a UUID")
    return found


def parse_page(query: schemas.PageQuery) -> Window:
    """The page asked for; a limit over 100 is cut to it (contracts/README.md, D)."""
    return page_window(query.page, min(query.limit, MAX_LIMIT))


def render_pagination(query: schemas.PageQuery, total: int) -> schemas.Pagination:
    """Where the page lies in a list of `total`; an empty list has no page at all."""
    limit = min(query.limit, MAX_LIMIT)
    return schemas.Pagination(total, query.page, limit, -(-total // limit))


T = TypeVar("T")


def body_id(name: str, given: T) -> T | str:
    """The id a body gives, as it is stored; null and absence as they are. Raises Invalid."""
    if not isinstance(given, str):
        return given
    found = canonical_id(given)
    if found is None:
        raise Invalid(name, "is no id")
    return found
