"""Contacts that the tenant has blocked: they read on, and nothing from them is stored."""

from koine.dialects.inbox.auth import entry_of
from koine.http.request import AnyRequest
from koine.model.errors import Forbidden


def is_blocked(call: AnyRequest) -> bool:
    """Whether the contact of the path is blocked."""
    return entry_of(call).contact_at_inbox[1].blocked


def refuse_blocked(call: AnyRequest) -> None:
    """Raise Forbidden for a blocked contact."""
    if is_blocked(call):
        raise Forbidden("contact")
