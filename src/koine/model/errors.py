"""Why the core refuses: codes with fields, no HTTP status. Each dialect maps every one of them."""

from typing import Literal

UnauthenticatedReason = Literal["missing", "invalid", "expired", "revoked"]


class Refusal(Exception):
    """The base of every refusal; catching it catches all the core says no with."""


class Malformed(Refusal):
    """The request could not be read at all (JSON, encoding, form)."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Invalid(Refusal):
    """A field was read and its value is refused. `field` is the caller's own name for it."""

    def __init__(self, field: str, reason: str, message: str = "") -> None:
        super().__init__(field, reason, message)
        self.field = field
        self.reason = reason
        self.message = message or f"{field} {reason}"


class Unauthenticated(Refusal):
    """Nobody we know: no credential, a wrong one, one that has expired or was revoked."""

    def __init__(self, reason: UnauthenticatedReason) -> None:
        super().__init__(reason)
        self.reason = reason


class Forbidden(Refusal):
    """The actor may know of the thing but may not do this. `what` names the missing right."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class NotFound(Refusal):
    """There is no such thing, or the actor may not know of it: the two are never told apart."""

    def __init__(self, noun: str) -> None:
        super().__init__(noun)
        self.entity = noun


class Conflict(Refusal):
    """The state of the thing does not allow this now (`closed`, `exists`, `in_flight`, …)."""

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message or reason


class TooLarge(Refusal):
    """The body is over `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class TooMany(Refusal):
    """Too many requests; try again after `retry_after` seconds. `what` names the limit."""

    def __init__(self, retry_after: int, what: str = "requests") -> None:
        super().__init__(retry_after, what)
        self.retry_after = retry_after
        self.what = what


class Unavailable(Refusal):
    """The database cannot answer now (down, disk full); try again after `retry_after` seconds."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


REFUSALS: tuple[type[Refusal], ...] = (
    Malformed,
    Invalid,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    TooLarge,
    TooMany,
    Unavailable,
)
