"""Ids: UUIDs as canonical lower-case text; new ones are version 7."""

import re
from collections.abc import Iterable

import uuid_utils

NIL_ID = "00000000-0000-0000-0000-000000000000"
"""Before every id, in their order; no id of a row."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def new_id() -> str:
    """A new UUIDv7, greater than all earlier ones of this process."""
    return str(uuid_utils.uuid7())


def is_id(text: str) -> bool:
    """Whether `text` is a UUID of any version in its 36-character form, in any case."""
    return _UUID.fullmatch(text) is not None


def distinct_ids(ids: Iterable[str | None]) -> list[str]:
    """Each id once, in their order, without None."""
    return list(dict.fromkeys(each for each in ids if each is not None))


def canonical_id(text: str) -> str | None:
    """The form in which an id is stored and compared, or None when `text` is not an id."""
    return text.lower() if is_id(text) else None
