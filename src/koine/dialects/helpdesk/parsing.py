"""Ids and pages of requests, and the pagination of the response."""

from typing import TypeVar

from koine.dialects.helpdesk import schemas
from koine.http.request import AnyRequest
from koine.kit.ids import canonical_id
from koine.model.errors import Invalid, Malformed
from koine.model.page import Window, page_window

MAX_LIMIT = 100
"""The most items on a page; a larger `limit` is lowered to it (contracts/README.md, D)."""

T = TypeVar("T")


def path_id(request: AnyRequest) -> str:
    """The path's `{id}`. Raises Malformed if it is no UUID (contracts/README.md)."""
    found = canonical_id(request.path["id"])
    if found is None:
        raise Malformed("id must be a UUID")
    return found


def parse_page(query: schemas.PageQuery) -> Window:
    """The requested page."""
    return page_window(query.page, min(query.limit, MAX_LIMIT))


def render_pagination(query: schemas.PageQuery, total: int) -> schemas.Pagination:
    """The position of a page in a list of `total` items; an empty list has 0 pages."""
    limit = min(query.limit, MAX_LIMIT)
    return schemas.Pagination(total, query.page, limit, -(-total // limit))


def body_id(name: str, given: T) -> T | str:
    """An id of a body, as it is stored; null and UNSET stay as they are. Raises Invalid(name)."""
    if not isinstance(given, str):
        return given
    found = canonical_id(given)
    if found is None:
        raise Invalid(name, "is no id")
    return found
