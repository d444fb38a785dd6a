"""An answer to a survey that comes in parts: a rating first, what one has to say about it later."""

from typing import Any

VALUES, ANSWER = "submitted_values", "csat_survey_response"


def kept(before: dict[str, Any], submitted: dict[str, Any]) -> dict[str, Any]:
    """What was submitted, with the parts of an answer given before that it does not give anew."""
    earlier = answer_in(before.get(VALUES))
    if not earlier:
        return submitted
    values = submitted.get(VALUES)
    whole = {ANSWER: earlier | (answer_in(values) or {})}
    if isinstance(values, list):
        others = [{n: v for n, v in each.items() if n != ANSWER} for each in values]
        return submitted | {VALUES: [whole, *filter(None, others)]}
    return submitted | {VALUES: (values or {}) | whole}


def answer_in(values: Any) -> dict[str, Any] | None:
    """The answer among submitted values: they are one object, or a list of them."""
    for each in values if isinstance(values, list) else [values]:
        answer = each.get(ANSWER) if isinstance(each, dict) else None
        if isinstance(answer, dict):
            return answer
    return None
