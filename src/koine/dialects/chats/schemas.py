"""Field types that chats and messages share (chats.md, S)."""

from typing import Annotated, Literal

from msgspec import Meta

Uuid = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Role = Literal["user", "assistant", "attendant", "system"]
