"""One timer pings every socket."""

import asyncio

import pytest

from koine.dialects.inbox.realtime import heartbeat


class FakeSocket:
    """Keeps the pings that it receives; with `stuck`, sending to it never returns."""

    def __init__(self, stuck: bool = False) -> None:
        self.received: list[str] = []
        self._stuck = stuck
        self._pinged = asyncio.Event()

    async def ping(self, text: str) -> None:
        self.received.append(text)
        self._pinged.set()
        if self._stuck:
            await asyncio.sleep(3600)

    async def receives(self, n: int) -> None:
        """Wait until it has received `n` pings in all."""
        async with asyncio.timeout(20):
            while len(self.received) < n:
                self._pinged.clear()
                await self._pinged.wait()


@pytest.fixture
def short_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "INTERVAL_SECONDS", 0.06)


async def test_a_socket_that_blocks_does_not_delay_the_pings_of_others(
    short_interval: None,
) -> None:
    timer, sockets = heartbeat.Heartbeat(lambda: "ping"), [FakeSocket() for _ in range(40)]
    stuck = FakeSocket(stuck=True)
    for socket in (stuck, *sockets):
        timer.add(socket)
    await sockets[0].receives(4)
    counts = {len(socket.received) for socket in sockets}
    assert max(counts) - min(counts) <= 1


async def test_a_removed_socket_is_not_pinged_and_the_timer_ends_with_the_last(
    short_interval: None,
) -> None:
    timer, socket = heartbeat.Heartbeat(lambda: "ping"), FakeSocket()
    timer.add(socket)
    await socket.receives(2)
    timer.remove(socket)
    timer.remove(socket)
    await asyncio.sleep(0)  # a ping that was on its way
    count = len(socket.received)
    await asyncio.sleep(0.2)  # three intervals in which nothing comes
    assert len(socket.received) == count
    timer.add(socket)
    await socket.receives(count + 1)
