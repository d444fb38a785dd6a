"""Answers to forms and surveys, as they are kept with their message."""

from msgspec import to_builtins

from koine.dialects.inbox.bodies import SubmittedValue
from koine.model.errors import Invalid

Submitted = SubmittedValue | list[SubmittedValue] | None
RATINGS = range(1, 6)


def submitted(values: Submitted) -> dict[str, object] | None:
    """What to merge into a message's content attributes; None for nothing.

    Raises Invalid("rating") outside 1 to 5 (inbox.md, F).
    """
    if values is None:
        return None
    for each in values if isinstance(values, list) else [values]:
        response = each.csat_survey_response
        if response is not None and response.rating not in (None, *RATINGS):
            raise Invalid("rating", "out_of_range", "Rating is not included in the list")
    return {"submitted_values": to_builtins(values)}
