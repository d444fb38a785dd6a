"""One endpoint as a sender sees it: how many posts are under way, and how many may be."""

from collections import deque

from koine.model.webhook import EndpointHealth, TenantEndpoint
from koine.webhooks import circuit_breaker
from koine.webhooks.payloads import OutgoingDelivery

LEAST, FIRST, MOST = 2, 8, 64
"""How many posts to one endpoint are under way at once: more with each success, half with each
failure, so that one that hangs holds few of the sender's hands."""
PREFETCH_FACTOR = 3
"""An endpoint at half of MOST or above has so many times more claimed than is under way."""


class EndpointQueue:
    """Kept in memory from the first claim on. `waiting` are letters claimed and not yet posted;
    `allowed` is how many claims the endpoint could have at most when that was last asked."""

    def __init__(self, hook: TenantEndpoint) -> None:
        self.hook = hook
        self.in_flight = 0
        self.has_backlog = False
        self.allowed = MOST * PREFETCH_FACTOR
        self.waiting: deque[OutgoingDelivery] = deque()
        self._limit = FIRST
        self._health = self._written = _health(hook)

    def renew(self, hook: TenantEndpoint) -> None:
        """The row was read again."""
        self.hook = hook
        if self._health == self._written:
            # What another node has seen of it meanwhile counts, too.
            self._health = self._written = _health(hook)

    @property
    def half_open(self) -> bool:
        """Whether its breaker is open: one at a time."""
        return circuit_breaker.is_open(self._health)

    @property
    def held(self) -> int:
        """How many claims the sender holds."""
        return self.in_flight + len(self.waiting)

    @property
    def capacity(self) -> int:
        """How many more may be claimed, as far as the endpoint alone can tell."""
        if self.half_open:
            return 0 if self.held else 1
        return max(self._depth - self.held, 0)

    @property
    def needs_claims(self) -> bool:
        """Whether more was due than could be claimed, and it is time for it."""
        return self.has_backlog and self.held <= min(self._depth, self.allowed) // 2

    @property
    def _depth(self) -> int:
        return self._limit * PREFETCH_FACTOR if self._limit >= MOST // 2 else self._limit

    def next(self) -> OutgoingDelivery | None:
        """The letter to post now, if one may be; it counts as under way."""
        if not self.waiting or self.in_flight >= (1 if self.half_open else self._limit):
            return None
        self.in_flight += 1
        return self.waiting.popleft()

    def record_result(self, well: bool, now: int) -> EndpointHealth:
        """A post came back; answers how the endpoint is now."""
        if well:
            self._limit = min(self._limit + 1, MOST)
            self._health = circuit_breaker.HEALTHY
        else:
            self._limit = max(self._limit // 2, LEAST)
            self._health = circuit_breaker.failed(self._health, now)
        return self._health

    def unsaved_health(self) -> EndpointHealth | None:
        """The health, if it is not what was last written; it counts as written from now on."""
        if self._health == self._written:
            return None
        self._written = self._health
        return self._health


def _health(hook: TenantEndpoint) -> EndpointHealth:
    return EndpointHealth(hook.failures, hook.failing_since, hook.open_until)
