"""What the lines that are logged during an attempt have in common."""

from msgspec import Struct

from koine.model.webhook import Claim


class AttemptContext(Struct, frozen=True):
    """The log context of an attempt (`kit.logs.LogContext`): the request that caused its event."""

    request_id: str | None
    tenant_id: str
    event_id: str

    def log_context(self) -> dict[str, str]:
        """The fields of every line logged during the attempt."""
        known = {"tenant": self.tenant_id, "event_id": self.event_id}
        return known if self.request_id is None else {"request_id": self.request_id, **known}


def log_context_of(claim: Claim) -> AttemptContext:
    """The log context of the attempt that is made for a claim."""
    event = claim.event
    return AttemptContext(
        None if event is None else event.request_id, claim.endpoint.tenant_id, claim.event_id
    )
