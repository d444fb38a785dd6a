"""An ear that keeps what a bus brings, and how to wait for it."""

import asyncio
import time
from collections.abc import Callable

from koine.realtime.bus.protocol import Subject
from koine.realtime.bus.reconnecting import ReconnectingBus


class Recorder:
    """Called as `Heard`; keeps it all."""

    def __init__(self) -> None:
        self.heard: list[tuple[Subject, bytes]] = []

    def __call__(self, subject: Subject, payload: bytes) -> None:
        self.heard.append((subject, payload))

    def count(self, subject: Subject) -> int:
        return sum(heard == subject for heard, _ in self.heard)

    async def until(self, n: int, within: float = 5) -> list[tuple[Subject, bytes]]:
        """Wait for `n` and for what would come just after."""
        await eventually(lambda: len(self.heard) >= n, within)
        await asyncio.sleep(0.05)
        return self.heard

    async def until_said(self, subject: Subject, payload: bytes, within: float = 5) -> None:
        await eventually(lambda: (subject, payload) in self.heard, within)


async def connected(*lines: ReconnectingBus) -> None:
    """Wait until each has joined its bus."""
    await eventually(lambda: all(line.connected for line in lines))
    # A server tells the others who listens; nothing says when it has.
    await asyncio.sleep(0.1)


async def eventually(true: Callable[[], bool], within: float = 10) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(within):
        while True:
            if true():
                return
            await asyncio.sleep(0.002)


async def publish_until_received(line: ReconnectingBus, ear: Recorder, within: float = 15) -> float:
    """Wake the others up again and again until they hear; answers the seconds it took."""
    began = time.monotonic()
    ear.heard.clear()
    async with asyncio.timeout(within):
        while not ear.count("log_advanced"):
            line.publish("log_advanced")
            await asyncio.sleep(0.05)
    return time.monotonic() - began
