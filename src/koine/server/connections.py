"""The connections of one process: how many each address has, and which of them are overdue."""

import asyncio
from collections import Counter
from functools import cached_property
from typing import Any, Protocol

import uvicorn

from koine.http.address import is_trusted, rate_limit_ip
from koine.kit import metrics
from koine.kit.settings import Settings

SWEEP_SECONDS = 0.25
"""How late a deadline may be noticed."""
LINGER_SECONDS = 1.0
"""How long the last answer may be read, once nothing more is read from the other end."""
DRAIN_BYTES = 64 * 1024
"""What is read and dropped of a request that is answered already."""


class Connection(Protocol):
    """One connection. `deadline` is on the clock of the loop; infinite means none."""

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
        """Watch a new connection; False, and it is not watched, when its address has too many.

        A trusted proxy stands for many callers: its connections are not counted.
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
        """Forget a connection. Harmless when it is not watched."""
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
    """Count a connection that the server ends. `reason` is a word of a fixed list."""
    metrics.CONNECTIONS_ENDED.labels(reason).inc()


class UvicornConfig(uvicorn.Config):
    """uvicorn's, with the settings that bound connections."""

    def __init__(self, settings: Settings, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self.settings = settings

    @cached_property
    def connections(self) -> Connections:
        """Those of this process: made where it is first asked for."""
        return Connections(self.settings)
