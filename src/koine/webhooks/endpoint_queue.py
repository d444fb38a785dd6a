"""One endpoint in a dispatcher: the deliveries claimed for it, and how many requests may be in
flight."""

from collections import deque

from koine.model.webhook import EndpointHealth, TenantEndpoint
from koine.webhooks import circuit_breaker
from koine.webhooks.payloads import OutgoingDelivery

LEAST, FIRST, MOST = 2, 8, 64
"""Requests to one endpoint that are in flight at once: one more with each success, half with each
failure (as TCP does). So a fast endpoint gets many, and one that hangs holds few of the
dispatcher's claims."""
PREFETCH_FACTOR = 3
"""Claims for each request in flight, for an endpoint at half of MOST or above: the next delivery is
here when a request ends."""


class EndpointQueue:
    """Kept in memory from the first claim on. `waiting` are claimed deliveries that are not in
    flight; `allowed` is how many claims the endpoint could have at most in the last turn."""

    def __init__(self, endpoint: TenantEndpoint) -> None:
        self.endpoint = endpoint
        self.in_flight = 0
        self.has_backlog = False
        self.allowed = MOST * PREFETCH_FACTOR
        self.waiting: deque[OutgoingDelivery] = deque()
        self._limit = FIRST
        self._health = self._saved = _health(endpoint)

    def renew(self, endpoint: TenantEndpoint) -> None:
        """The endpoint's row was read again."""
        self.endpoint = endpoint
        if self._health == self._saved:
            # Nothing of ours is unsaved: take over what other nodes saved.
            self._health = self._saved = _health(endpoint)

    @property
    def is_tripped(self) -> bool:
        """As `circuit_breaker.is_tripped`, by the endpoint's health as this process knows it."""
        return circuit_breaker.is_tripped(self._health)

    @property
    def held(self) -> int:
        """How many claims this process holds for it."""
        return self.in_flight + len(self.waiting)

    @property
    def capacity(self) -> int:
        """How many more may be claimed, as far as the endpoint itself is concerned."""
        if self.is_tripped:
            return 0 if self.held else 1
        return max(self._depth - self.held, 0)

    @property
    def needs_claims(self) -> bool:
        """Whether more was due than could be claimed, and the queue is half empty."""
        return self.has_backlog and self.held <= min(self._depth, self.allowed) // 2

    @property
    def _depth(self) -> int:
        return self._limit * PREFETCH_FACTOR if self._limit >= MOST // 2 else self._limit

    def next(self) -> OutgoingDelivery | None:
        """The delivery to send now, if one may be sent; it counts as in flight."""
        if not self.waiting or self.in_flight >= (1 if self.is_tripped else self._limit):
            return None
        self.in_flight += 1
        return self.waiting.popleft()

    def record_result(self, success: bool, now: int) -> EndpointHealth:
        """Record how a request ended; returns the endpoint's health."""
        if success:
            self._limit = min(self._limit + 1, MOST)
            self._health = circuit_breaker.HEALTHY
        else:
            self._limit = max(self._limit // 2, LEAST)
            self._health = circuit_breaker.failed(self._health, now)
        return self._health

    def unsaved_health(self) -> EndpointHealth | None:
        """The health, if it was not saved yet; it counts as saved from now on."""
        if self._health == self._saved:
            return None
        self._saved = self._health
        return self._health


def _health(endpoint: TenantEndpoint) -> EndpointHealth:
    return EndpointHealth(endpoint.failures, endpoint.failing_since, endpoint.open_until)
