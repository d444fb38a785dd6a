"""Refusals: the expected errors of operations, without HTTP status. Each dialect renders them
all."""

from typing import Literal

UnauthenticatedReason = Literal["missing", "invalid", "expired", "revoked"]
Limit = Literal["requests", "logins", "streams", "contacts", "conversations", "bytes", "uploads"]
"""What there were too many of."""


class Refusal(Exception):
    """The base of every refusal."""


class Malformed(Refusal):
    """The request could not be read at all (JSON, encoding, form)."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Invalid(Refusal):
    """The value of a field is refused. `field` is the name that the caller gave it."""

    def __init__(self, field: str, reason: str, message: str = "") -> None:
        super().__init__(field, reason, message)
        self.field = field
        self.reason = reason
        self.message = message or f"{field} {reason}"


class Unauthenticated(Refusal):
    """There is no valid credential: none, a wrong one, one that has expired or was revoked."""

    def __init__(self, reason: UnauthenticatedReason) -> None:
        super().__init__(reason)
        self.reason = reason


class Forbidden(Refusal):
    """The actor may know of the entity but may not do this. `what` names the missing permission."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class TenantSuspended(Forbidden):
    """The operator has suspended the actor's tenant: its credentials are refused until the tenant
    is resumed."""

    def __init__(self) -> None:
        super().__init__("suspended")


class NotFound(Refusal):
    """There is no such entity, or the actor may not know of it: callers cannot distinguish them."""

    def __init__(self, entity: str) -> None:
        super().__init__(entity)
        self.entity = entity


class Conflict(Refusal):
    """The state of the entity does not allow this now (`closed`, `exists`, `in_flight`, …)."""

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
    """Too many requests; try again after `retry_after` seconds. `what` names the limit, for people;
    `limit` is the word for it in metrics."""

    def __init__(
        self, retry_after: int, what: str = "requests", *, limit: Limit = "requests"
    ) -> None:
        super().__init__(retry_after, what)
        self.retry_after = retry_after
        self.what = what
        self.limit = limit


class Unavailable(Refusal):
    """The database is not available (down, disk full); try again after `retry_after` seconds."""

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
