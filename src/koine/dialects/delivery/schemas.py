"""Types that the resources share (delivery.md, Objects, D). Times are ISO 8601, UTC, with
milliseconds."""

from typing import Annotated

from msgspec import Meta, Raw, Struct

Page = Annotated[int, Meta(ge=1)]
Uuid = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Json = Annotated[Raw, Meta(extra_json_schema={"type": ["object", "null"]})]


class Common(Struct, frozen=True):
    """The query of every call."""

    tenant_id: Uuid | None = None
    language: str | None = None
