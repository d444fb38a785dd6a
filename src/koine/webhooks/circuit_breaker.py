"""The circuit breaker of an endpoint: one that does not answer is asked by one delivery at a time,
less and less often, while its others wait untried. Pure."""

from koine.kit.times import DAY, SECOND
from koine.model.webhook import EndpointHealth

OPENS_AFTER = 5
"""Failures in a row."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5, 300
DISABLES_AFTER = 5 * DAY
"""µs of nothing but failures after which an endpoint is disabled."""

HEALTHY = EndpointHealth()


def is_open(health: EndpointHealth) -> bool:
    """Whether one delivery at a time is tried, after `open_until`."""
    return health.failures >= OPENS_AFTER


def failed(health: EndpointHealth, now: int) -> EndpointHealth:
    """After one more failure. Those that were under way when it opened do not count again."""
    if health.open_until is not None and now < health.open_until:
        return health
    failures = health.failures + 1
    since = now if health.failing_since is None else health.failing_since
    if failures < OPENS_AFTER:
        return EndpointHealth(failures, since)
    pause = min(FIRST_PAUSE_S * 2 ** min(failures - OPENS_AFTER, 10), LONGEST_PAUSE_S)
    return EndpointHealth(failures, since, now + pause * SECOND)


def should_disable(health: EndpointHealth, now: int) -> bool:
    """Whether it is time to disable the endpoint."""
    since = health.failing_since
    return is_open(health) and since is not None and now - since >= DISABLES_AFTER
