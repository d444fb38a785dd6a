"""Ids in requests."""

from koine.kit.ids import canonical_id
from koine.model.errors import Invalid


def parse_id(field: str, text: str) -> str:
    """The id in a field of a request, in the form in which ids are stored. Raises Invalid(field)
    unless it is a UUID."""
    found = canonical_id(text)
    if found is None:
        raise Invalid(field, "must be a UUID")
    return found
