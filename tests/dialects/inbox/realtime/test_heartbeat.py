"""One timer pings every socket."""

import asyncio

import pytest

from koine.dialects.inbox.realtime import heartbeat


class FakeSocket:
    """Keeps the pings that it receives; with `stuck`, sending to it never returns."""

    def __init__(self, stuck: bool = False) -> None:
        self.received: list[str] = []
        self._stuck = stuck

    async def ping(self, text: str) -> None:
        self.received.append(text)
        if self._stuck:
            await asyncio.sleep(3600)


@pytest.fixture
def short_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "INTERVAL_SECONDS", 0.06)


async def test_a_socket_that_blocks_does_not_delay_the_pings_of_others(
    short_interval: None,
) -> None:
    beats_, sockets = heartbeat.Heartbeat(lambda: "ping"), [FakeSocket() for _ in range(40)]
    stuck = FakeSocket(stuck=True)
    for socket in (stuck, *sockets):
        beats_.add(socket)
    await asyncio.sleep(0.5)
    counts = {len(socket.received) for socket in sockets}
    assert min(counts) >= 3 and max(counts) - min(counts) <= 1


async def test_a_removed_socket_is_not_pinged_and_the_timer_ends_with_the_last(
    short_interval: None,
) -> None:
    beats_, socket = heartbeat.Heartbeat(lambda: "ping"), FakeSocket()
    beats_.add(socket)
    await asyncio.sleep(0.2)
    beats_.remove(socket)
    beats_.remove(socket)
    count = len(socket.received)
    await asyncio.sleep(0.2)
    assert count and len(socket.received) == count
    beats_.add(socket)
    await asyncio.sleep(0.2)
    assert len(socket.received) > count
