"""Types that the resources share (helpdesk.md)."""

from typing import Annotated

from msgspec import Meta, Struct

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Number = Annotated[int, Meta(ge=1)]


class PageQuery(Struct, frozen=True):
    """A page of a list; a larger limit is cut to 100 (contracts/README.md, D)."""

    page: Number = 1
    limit: Number = 50


class Pagination(Struct, frozen=True, rename="camel"):
    """The position of a page in its list (S); `total` is exact."""

    total: int
    page: int
    limit: int
    total_pages: int


class Deleted(Struct, frozen=True, kw_only=True):
    """A conversation was deleted (S)."""

    success: bool
    message: str
