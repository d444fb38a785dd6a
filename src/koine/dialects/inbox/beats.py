"""The heartbeat of every socket of a process, by one timer."""

import asyncio
from collections.abc import Callable
from typing import Protocol

EVERY = 3.0
"""Seconds between two pings of one socket (inbox.md, F)."""
TURNS = 30
"""The sockets take turns in so many groups: ten thousand are not pinged at one moment."""


class Beating(Protocol):
    """A socket that is to be pinged."""

    async def ping(self, text: str) -> None:
        """Send the heartbeat; never raises."""


class Beats:
    """One for each process; used from its event loop. Its timer runs while there is a socket."""

    def __init__(self, text: Callable[[], str]) -> None:
        self._text = text
        self._turns: list[set[Beating]] = [set() for _ in range(TURNS)]
        self._of: dict[Beating, int] = {}
        self._joined = 0
        self._timer: asyncio.Task[None] | None = None
        self._pinging: set[asyncio.Task[None]] = set()

    def join(self, one: Beating) -> None:
        """Ping this one from now on."""
        turn = self._joined = (self._joined + 1) % TURNS
        self._turns[turn].add(one)
        self._of[one] = turn
        if self._timer is None or self._timer.done():
            self._timer = asyncio.create_task(self._run())

    def leave(self, one: Beating) -> None:
        """Ping it no more."""
        turn = self._of.pop(one, None)
        if turn is not None:
            self._turns[turn].discard(one)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due, turn = loop.time(), 0
        while self._of:
            due = max(due + EVERY / TURNS, loop.time())
            await asyncio.sleep(due - loop.time())
            turn = (turn + 1) % TURNS
            self._ping(self._turns[turn])

    def _ping(self, group: set[Beating]) -> None:
        text = self._text() if group else ""
        for one in group:
            # A task for each, so that one who does not read delays nobody.
            task = asyncio.create_task(one.ping(text))
            self._pinging.add(task)
            task.add_done_callback(self._pinging.discard)
