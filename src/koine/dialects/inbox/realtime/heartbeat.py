"""The heartbeat of every socket of a process, by one timer."""

import asyncio
from collections.abc import Callable
from typing import Protocol

INTERVAL_SECONDS = 3.0
"""Seconds between two pings of one socket (inbox.md, F)."""
GROUPS = 30
"""Within each interval the sockets are pinged in so many groups, one after the other: ten thousand
pings at one moment would block the event loop."""


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

    def add(self, socket: Pingable) -> None:
        """Ping this socket from now on."""
        group = self._last_group = (self._last_group + 1) % GROUPS
        self._groups[group].add(socket)
        self._group_of[socket] = group
        if self._timer is None or self._timer.done():
            self._timer = asyncio.create_task(self._run())

    def remove(self, socket: Pingable) -> None:
        """Ping this socket no more."""
        group = self._group_of.pop(socket, None)
        if group is not None:
            self._groups[group].discard(socket)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due, group = loop.time(), 0
        while self._group_of:
            # After a late wake-up the next one is not early: groups that were missed are not
            # pinged all at once.
            due = max(due + INTERVAL_SECONDS / GROUPS, loop.time())
            await asyncio.sleep(due - loop.time())
            group = (group + 1) % GROUPS
            self._ping(self._groups[group])

    def _ping(self, group: set[Pingable]) -> None:
        text = self._text() if group else ""
        for socket in group:
            # A task for each, so that a client that does not read delays no other.
            task = asyncio.create_task(socket.ping(text))
            self._pinging.add(task)
            task.add_done_callback(self._pinging.discard)
