"""How long what clients write about a conversation may be: lists carry all of it."""

from msgspec import Struct

from koine.engine.core import attributes
from koine.model.errors import Invalid

LONGEST_TITLE = 1000
"""Characters; a delivery's own title, made of a reference and a name, is shorter."""


def check(given: Struct) -> None:
    """Raise Invalid for a title, metadata or custom attributes beyond the limits, where `given`
    has them as text."""
    for name in ("metadata", "custom_attributes"):
        bag = getattr(given, name)
        attributes.check(name, bag if isinstance(bag, str) else None)
    title = getattr(given, "title", None)
    if isinstance(title, str) and len(title) > LONGEST_TITLE:
        text = f"title is too long (maximum is {LONGEST_TITLE} characters)"
        raise Invalid("title", "too_long", text)
