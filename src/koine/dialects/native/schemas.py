"""Types that several resources share: ids, times, names, pages, and the problem document."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\S")]
Text = Annotated[str, Meta(max_length=2000)]
Reason = Annotated[str, Meta(min_length=1, max_length=1000)]
_LINK = "An http or https URL, or the path of an upload."
Link = Annotated[str, Meta(max_length=2000, description=_LINK)]
Email = Annotated[str, Meta(max_length=320, pattern=r"^\s*[^\s@]+@[^\s@]+\s*$")]
Password = Annotated[str, Meta(max_length=1024)]
Id = Annotated[str, Meta(description="A UUID.")]
Time = Annotated[str, Meta(description="ISO 8601 with a date and a time, UTC without an offset.")]
Limit = Annotated[int, Meta(ge=1, le=100)]
JsonObject = dict[str, object]
RenderedObject = dict[str, object] | msgspec.Raw
RenderedStrings = list[str] | msgspec.Raw


class PageQuery(Struct, frozen=True, kw_only=True):
    """A page of a list: the first without `cursor`, else the one that `next_cursor` names."""

    cursor: str | None = None
    limit: Limit = 50


class FieldError(Struct, frozen=True):
    """A field that is refused: its dotted name, a short reason, and a sentence."""

    field: str
    reason: str
    message: str


class Problem(Struct, frozen=True, kw_only=True):
    """A refusal (RFC 9457). `type` is stable; `reason` is a word for programs where there is one;
    `errors` names the fields that are refused."""

    type: str
    title: str
    status: int
    detail: str
    reason: str | None = None
    errors: list[FieldError] = []
    request_id: str
