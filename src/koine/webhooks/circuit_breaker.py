"""The circuit breaker of an endpoint: after failures in a row only one delivery is attempted, after
longer and longer pauses, while the others wait. Without it an endpoint that is down for a day would
use up the attempts of all its deliveries, and the dispatcher's requests. Pure functions."""

from koine.kit.times import DAY, SECOND
from koine.model.webhook import EndpointHealth

OPENS_AFTER = 5
"""Failures in a row after which it opens."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5, 300
DISABLES_AFTER = 5 * DAY
"""µs without a success after which an endpoint is disabled."""

HEALTHY = EndpointHealth()


def is_tripped(health: EndpointHealth) -> bool:
    """Whether the last requests failed: none is sent until `open_until`, then one probe at a
    time, until one succeeds."""
    return health.failures >= OPENS_AFTER


def failed(health: EndpointHealth, now: int) -> EndpointHealth:
    """The health after one more failure. Attempts that were in flight when the breaker opened do
    not count again."""
    if health.open_until is not None and now < health.open_until:
        return health
    failures = health.failures + 1
    since = now if health.failing_since is None else health.failing_since
    if failures < OPENS_AFTER:
        return EndpointHealth(failures, since)
    pause = min(FIRST_PAUSE_S * 2 ** min(failures - OPENS_AFTER, 10), LONGEST_PAUSE_S)
    return EndpointHealth(failures, since, now + pause * SECOND)


def should_disable(health: EndpointHealth, now: int) -> bool:
    """Whether the endpoint has failed for so long that it is to be disabled."""
    since = health.failing_since
    return is_tripped(health) and since is not None and now - since >= DISABLES_AFTER
