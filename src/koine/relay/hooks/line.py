"""One endpoint as a sender sees it: how many posts are under way, and how many may be."""

from collections import deque

from koine.model.hook import EndpointHealth, TenantEndpoint
from koine.relay.hooks import breaker
from koine.relay.hooks.letters import Letter

LEAST, FIRST, MOST = 2, 8, 64
"""How many posts to one endpoint are under way at once: more with each success, half with each
failure, so that one that hangs holds few of the sender's hands."""
AHEAD = 3
"""An endpoint at half of MOST or above has so many times more claimed than is under way."""


class Line:
    """Kept in memory from the first claim on. `waiting` are letters claimed and not yet posted;
    `allowed` is how many claims the endpoint could have at most when that was last asked."""

    def __init__(self, hook: TenantEndpoint) -> None:
        self.hook = hook
        self.flying = 0
        self.hungry = False
        self.allowed = MOST * AHEAD
        self.waiting: deque[Letter] = deque()
        self._limit = FIRST
        self._health = self._written = _health(hook)

    def renew(self, hook: TenantEndpoint) -> None:
        """The row was read again."""
        self.hook = hook
        if self._health == self._written:
            # What another node has seen of it meanwhile counts, too.
            self._health = self._written = _health(hook)

    @property
    def probes(self) -> bool:
        """Whether its breaker is open: one at a time."""
        return breaker.is_open(self._health)

    @property
    def held(self) -> int:
        """How many claims the sender holds."""
        return self.flying + len(self.waiting)

    @property
    def room(self) -> int:
        """How many more may be claimed, as far as the endpoint alone can tell."""
        if self.probes:
            return 0 if self.held else 1
        return max(self._depth - self.held, 0)

    @property
    def runs_dry(self) -> bool:
        """Whether more was due than could be claimed, and it is time for it."""
        return self.hungry and self.held <= min(self._depth, self.allowed) // 2

    @property
    def _depth(self) -> int:
        return self._limit * AHEAD if self._limit >= MOST // 2 else self._limit

    def next(self) -> Letter | None:
        """The letter to post now, if one may be; it counts as under way."""
        if not self.waiting or self.flying >= (1 if self.probes else self._limit):
            return None
        self.flying += 1
        return self.waiting.popleft()

    def went(self, well: bool, now: int) -> EndpointHealth:
        """A post came back; answers how the endpoint is now."""
        if well:
            self._limit = min(self._limit + 1, MOST)
            self._health = breaker.WELL
        else:
            self._limit = max(self._limit // 2, LEAST)
            self._health = breaker.failed(self._health, now)
        return self._health

    def unwritten(self) -> EndpointHealth | None:
        """The health, if it is not what was last written; it counts as written from now on."""
        if self._health == self._written:
            return None
        self._written = self._health
        return self._health


def _health(hook: TenantEndpoint) -> EndpointHealth:
    return EndpointHealth(hook.failures, hook.failing_since, hook.open_until)
