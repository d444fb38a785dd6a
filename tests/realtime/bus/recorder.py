"""A recorder of what a bus delivers, and how to wait for it."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest

from koine.realtime.bus import reconnecting
from koine.realtime.bus.protocol import Subject
from koine.realtime.bus.reconnecting import ReconnectingBus


class Recorder:
    """A `MessageHandler` that keeps every message."""

    def __init__(self) -> None:
        self.received: list[tuple[Subject, bytes]] = []

    def __call__(self, subject: Subject, payload: bytes) -> None:
        self.received.append((subject, payload))

    def count(self, subject: Subject) -> int:
        return sum(received == subject for received, _ in self.received)

    async def until(self, n: int, within: float = 20) -> list[tuple[Subject, bytes]]:
        """Wait for `n` messages, and for what would come just after."""
        await eventually(lambda: len(self.received) >= n, within)
        await asyncio.sleep(0.05)
        return self.received

    async def until_received(self, subject: Subject, payload: bytes, within: float = 20) -> None:
        await eventually(lambda: (subject, payload) in self.received, within)


async def connected(*lines: ReconnectingBus) -> None:
    """Wait until each is connected."""
    await eventually(lambda: all(line.connected for line in lines))


async def eventually(true: Callable[[], bool], within: float = 20) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(within):
        while True:
            if true():
                return
            await asyncio.sleep(0.002)


async def publish_until_received(
    line: ReconnectingBus, recorder: Recorder, within: float = 15
) -> float:
    """Publish hints until one is received; returns the seconds that it took."""
    began = time.monotonic()
    recorder.received.clear()
    async with asyncio.timeout(within):
        while not recorder.count("log_advanced"):
            line.publish("log_advanced")
            await asyncio.sleep(0.05)
    return time.monotonic() - began


SHORT_SECONDS = 0.5


@contextmanager
def short_timeouts(transport: ModuleType, *names: str) -> Iterator[None]:
    """A connection that hangs is given up sooner, by the bus and by the transport's module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconnecting, "_TIMEOUT_SECONDS", SHORT_SECONDS)
        for name in names:
            patch.setattr(transport, name, SHORT_SECONDS)
        yield
