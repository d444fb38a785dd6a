"""The heartbeat of every socket of a process, by one timer."""

import asyncio
from collections.abc import Callable
from typing import Protocol

INTERVAL_SECONDS = 3.0
"""Seconds between two pings of one socket (inbox.md, F)."""
GROUPS = 30
"""The sockets take turns in so many groups: ten thousand are not pinged at one moment."""


class Pingable(Protocol):
    """A socket that is to be pinged."""

    async def ping(self, text: str) -> None:
        """Send the heartbeat; never raises."""


class Heartbeat:
    """One for each process; used from its event loop. Its timer runs while there is a socket."""

    def __init__(self, text: Callable[[], str]) -> None:
        self._text = text
        self._groups: list[set[Pingable]] = [set() for _ in range(GROUPS)]
        self._group_of: dict[Pingable, int] = {}
        self._last_group = 0
        self._timer: asyncio.Task[None] | None = None
        self._pinging: set[asyncio.Task[None]] = set()

    def add(self, one: Pingable) -> None:
        """Ping this one from now on."""
        turn = self._last_group = (self._last_group + 1) % GROUPS
        self._groups[turn].add(one)
        self._group_of[one] = turn
        if self._timer is None or self._timer.done():
            self._timer = asyncio.create_task(self._run())

    def remove(self, one: Pingable) -> None:
        """Ping it no more."""
        turn = self._group_of.pop(one, None)
        if turn is not None:
            self._groups[turn].discard(one)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due, turn = loop.time(), 0
        while self._group_of:
            due = max(due + INTERVAL_SECONDS / GROUPS, loop.time())
            await asyncio.sleep(due - loop.time())
            turn = (turn + 1) % GROUPS
            self._ping(self._groups[turn])

    def _ping(self, group: set[Pingable]) -> None:
        text = self._text() if group else ""
        for one in group:
            # A task for each, so that one who does not read delays nobody.
            task = asyncio.create_task(one.ping(text))
            self._pinging.add(task)
            task.add_done_callback(self._pinging.discard)
