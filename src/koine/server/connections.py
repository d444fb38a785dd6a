"""The connections of one process: counts by address, and a sweep for those that are overdue."""

import asyncio
from collections import Counter
from functools import cached_property
from typing import Any, Protocol

import uvicorn

from koine.http.address import is_trusted, rate_limit_ip
from koine.kit import metrics
from koine.kit.settings import Settings

SWEEP_SECONDS = 0.25
"""Seconds between two sweeps: how late a deadline may be noticed."""
LINGER_SECONDS = 1.0
"""Seconds that a client has to read the last response, after reading from it has stopped."""
DRAIN_BYTES = 64 * 1024
"""Bytes that are read and discarded of a request after its response has begun."""


class Connection(Protocol):
    """One connection. `deadline` is on the event loop's clock; infinite means none."""

    deadline: float

    def on_deadline(self, now: float) -> None:
        """The deadline has passed: set another, or end the connection."""


class Connections:
    """One in each process; used from its event loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._proxies = settings.proxy_networks()
        self._address_of: dict[Connection, str] = {}
        self._by_address: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: Connection, peer: tuple[str, int] | None) -> bool:
        """Add a new connection; False, and it is not added, when its address has too many.

        A trusted proxy connects for many clients: its connections are not counted.
        """
        most, address = self.settings.connections_per_address, ""
        if most and peer and not is_trusted(peer[0], self._proxies):
            address = rate_limit_ip(peer[0])
            if self._by_address[address] >= most:
                return False
            self._by_address[address] += 1
        self._address_of[connection] = address
        if self._timer is None:
            self._schedule_sweep()
        return True

    def remove(self, connection: Connection) -> None:
        """Remove a connection. Harmless when it was not added."""
        address = self._address_of.pop(connection, "")
        if address:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]

    def count(self, address: str) -> int:
        """How many connections an address has."""
        return self._by_address[rate_limit_ip(address)]

    def _schedule_sweep(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        now = asyncio.get_running_loop().time()
        for each in [each for each in self._address_of if each.deadline <= now]:
            each.on_deadline(now)
        self._timer = None
        if self._address_of:
            self._schedule_sweep()


def count_ended(reason: str) -> None:
    """Count a connection that the server closes or refuses. `reason` is one of a fixed list."""
    metrics.CONNECTIONS_ENDED.labels(reason).inc()


class UvicornConfig(uvicorn.Config):
    """uvicorn's configuration, with the settings and the connections of this process."""

    def __init__(self, settings: Settings, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self.settings = settings

    @cached_property
    def connections(self) -> Connections:
        """The connections of this process. Created on first use, in each worker for itself."""
        return Connections(self.settings)
