"""The log reader notifies its followers of every state of the log, in order, until they have it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from koine.event_log import log_reader
from koine.event_log.log_reader import EventLogReader, LogState
from koine.kit.ids import new_id
from koine.model.event import Event
from koine.store.core.db import Database
from koine.store.events import event_log_state, events
from tests.realtime.bus.recorder import eventually


class StateRecorder:
    """A follower that keeps what it was notified of, and fails as often as it is asked to."""

    def __init__(self, failures: int = 0) -> None:
        self.states: list[LogState] = []
        self._failures = failures

    async def log_advanced(self, log: LogState) -> None:
        if self._failures:
            self._failures -= 1
            raise RuntimeError("planted")
        self.states.append(log)


@asynccontextmanager
async def reading(db: Database, *followers: StateRecorder) -> AsyncIterator[EventLogReader]:
    """A log reader that runs."""
    reader = EventLogReader(db)
    reader.followers.extend(followers)
    task = asyncio.create_task(reader.run())
    try:
        yield reader
    finally:
        task.cancel()
        await asyncio.wait([task])


async def append(db: Database) -> int:
    """One event; returns its position."""
    event = Event("tenant.updated", "staff", None, new_id(), None, "{}", 1)
    await db.write(new_id(), events.append, event)
    return (await db.read("", events.log_snapshot)).last


async def test_followers_are_notified_of_the_state_at_the_start(
    empty_db: Database,
) -> None:
    last, recorder = await append(empty_db), StateRecorder()
    async with reading(empty_db, recorder) as reader:
        await reader.started.wait()
    assert [state.stable for state in recorder.states] == [last]
    assert recorder.states[0].epoch


async def test_followers_are_notified_of_the_same_states_in_their_order(empty_db: Database) -> None:
    shared: list[LogState] = []
    first, second = StateRecorder(), StateRecorder()
    first.states = second.states = shared
    async with reading(empty_db, first, second) as reader:
        await reader.started.wait()
        last = await append(empty_db)
        await eventually(lambda: len(shared) >= 4)
    assert shared[0] == shared[1]
    assert [state.stable for state in shared[2:]] == [last, last]


async def test_a_follower_that_failed_is_notified_again_and_the_others_are_not(
    empty_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reader, "_RETRY_SECONDS", 0.01)
    last = await append(empty_db)
    steady, failing = StateRecorder(), StateRecorder(failures=3)
    async with reading(empty_db, steady, failing) as reader:
        await reader.started.wait()
    assert [state.stable for state in failing.states] == [last]
    assert [state.stable for state in steady.states] == [last]


async def test_followers_are_notified_after_a_suspension_of_the_process(
    empty_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = StateRecorder()
    async with reading(empty_db, recorder) as reader:
        await reader.started.wait()
        monkeypatch.setattr(log_reader, "_SUSPENDED_SECONDS", -1.0)
        reader.wake()
        await eventually(lambda: len(recorder.states) >= 2)
    assert recorder.states[1].suspensions == recorder.states[0].suspensions + 1
    assert recorder.states[1].stable == recorder.states[0].stable


async def test_another_epoch_is_another_state(empty_db: Database) -> None:
    recorder = StateRecorder()
    async with reading(empty_db, recorder) as reader:
        await reader.started.wait()
    before = recorder.states[-1].epoch
    await empty_db.write("", event_log_state.new_epoch)
    async with reading(empty_db, recorder) as reader:
        await reader.started.wait()
    assert recorder.states[-1].epoch != before
