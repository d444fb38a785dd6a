"""Texts that people type have the bounds of the native API, and are refused with its errors."""

from typing import Any

from koine.http.body import convert
from koine.model.errors import Invalid


def require_text(field: str, text: str | None, kind: Any) -> None:
    """Raise Invalid, with the native API's error, for a text that is not of the `kind`, a type of
    its schemas; None is a text that was not given."""
    if text is None:
        return
    try:
        convert(text, kind)
    except Invalid as error:
        raise Invalid(field, error.reason) from None
