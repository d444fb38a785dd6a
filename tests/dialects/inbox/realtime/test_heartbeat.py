"""One timer pings every socket."""

import asyncio

import pytest

from koine.dialects.inbox.realtime import heartbeat


class Ear:
    """Keeps what it is sent; one that is `stuck` never comes back from it."""

    def __init__(self, stuck: bool = False) -> None:
        self.heard: list[str] = []
        self._stuck = stuck

    async def ping(self, text: str) -> None:
        self.heard.append(text)
        if self._stuck:
            await asyncio.sleep(3600)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "INTERVAL_SECONDS", 0.06)


async def test_each_is_pinged_as_often_whoever_is_stuck(soon: None) -> None:
    told, ears = heartbeat.Heartbeat(lambda: "ping"), [Ear() for _ in range(40)]
    stuck = Ear(stuck=True)
    for ear in (stuck, *ears):
        told.add(ear)
    await asyncio.sleep(0.5)
    counts = {len(ear.heard) for ear in ears}
    assert min(counts) >= 3 and max(counts) - min(counts) <= 1


async def test_who_left_is_pinged_no_more_and_the_timer_ends_with_the_last(soon: None) -> None:
    told, ear = heartbeat.Heartbeat(lambda: "ping"), Ear()
    told.add(ear)
    await asyncio.sleep(0.2)
    told.remove(ear)
    told.remove(ear)
    count = len(ear.heard)
    await asyncio.sleep(0.2)
    assert count and len(ear.heard) == count
    told.add(ear)
    await asyncio.sleep(0.2)
    assert len(ear.heard) > count
