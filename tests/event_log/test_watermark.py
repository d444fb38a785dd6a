"""The watermark passes no position where an event may still appear: as a model, and under load."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from koine.event_log.watermark import LogRewound, Watermark
from koine.kit.ids import new_id
from koine.model.event import Event, LoggedEvent
from koine.store.core.db import Tx
from koine.store.events import events
from koine.store.events.events import LogSnapshot
from koine.store.postgres import PostgresDatabase
from tests.support import databases
from tests.support.shared_postgres import SharedPostgres

# ---------------------------------------------------------------- as a model


@dataclass
class Transactions:
    """What a database of many writers shows: a transaction has a number, then takes positions;
    a look knows only the numbers below the last that ended."""

    number: int = 7
    position: int = 0
    ended: int = 6
    open: dict[int, list[int]] = field(default_factory=dict)

    def begin(self) -> None:
        self.open[self.number] = []
        self.number += 1

    def take(self, which: int) -> None:
        self.position += 1
        self._one(which).append(self.position)

    def end(self, which: int) -> None:
        number = sorted(self.open)[which % len(self.open)]
        del self.open[number]
        self.ended = max(self.ended, number)

    def snapshot(self, next_begun: int | None = None) -> LogSnapshot:
        seen = [number for number in self.open if number <= self.ended]
        oldest = min(seen, default=self.ended + 1)
        return LogSnapshot(self.position, oldest, next_begun or self.number)

    def held(self) -> list[int]:
        """Positions that may still appear."""
        return [position for taken in self.open.values() for position in taken]

    def _one(self, which: int) -> list[int]:
        return self.open[sorted(self.open)[which % len(self.open)]]


STEPS = st.lists(
    st.tuples(st.sampled_from(["begin", "take", "end", "snapshot"]), st.integers(0, 9))
)


@given(STEPS)
def test_no_event_appears_at_a_stable_position(steps: list[tuple[str, int]]) -> None:
    log, watermark = Transactions(), Watermark()
    for step, which in steps:
        if step == "snapshot":
            watermark.advance(log.snapshot())
        elif step == "begin":
            log.begin()
        elif log.open:
            log.take(which) if step == "take" else log.end(which)
        assert watermark.stable <= log.position
        assert all(position > watermark.stable for position in log.held())


@given(STEPS)
def test_all_is_stable_soon_after_all_have_ended(steps: list[tuple[str, int]]) -> None:
    log, watermark = Transactions(), Watermark()
    for step, which in steps:
        if step == "snapshot":
            watermark.advance(log.snapshot())
        elif step == "begin":
            log.begin()
        elif log.open:
            log.take(which) if step == "take" else log.end(which)
    while log.open:
        log.end(0)
    stable = [watermark.advance(log.snapshot()) for _ in range(3)]
    assert stable[-1] == log.position
    assert not watermark.has_pending


def test_a_number_not_above_all_begun_would_skip_an_event() -> None:
    log, watermark = Transactions(), Watermark()
    log.begin()
    log.take(0)
    for _ in range(3):
        watermark.advance(log.snapshot(next_begun=log.ended + 1))
    assert watermark.stable in log.held()


def test_pending_positions_are_covered_by_any_number_of_snapshots() -> None:
    log, watermark = Transactions(), Watermark()
    log.begin()
    for _ in range(1000):
        log.take(0)
        watermark.advance(log.snapshot())
    assert (watermark.stable, watermark.has_pending) == (0, True)
    log.end(0)
    for _ in range(3):
        watermark.advance(log.snapshot())
    assert (watermark.stable, watermark.has_pending) == (1000, False)


def test_a_rewound_log_raises() -> None:
    watermark = Watermark()
    watermark.advance(LogSnapshot(5, 9, 9))
    with pytest.raises(LogRewound):
        watermark.advance(LogSnapshot(4, 9, 9))


# ---------------------------------------------------------------- under load

CONVERSATIONS = [(tenant, new_id()) for tenant in (new_id(), new_id(), new_id()) for _ in range(3)]
WRITERS = 10
EVERYTHING = 1 << 60


class ChangedItsMind(Exception):
    """Rolls the transaction back."""


class Follower:
    """Reads stable events; if `naive`, all that are visible."""

    def __init__(self, db: PostgresDatabase, *, naive: bool = False) -> None:
        self.read: list[LoggedEvent] = []
        self._db = db
        self._watermark = None if naive else Watermark()

    async def turn(self) -> None:
        stable = EVERYTHING
        if self._watermark is not None:
            stable = self._watermark.advance(await self._db.read("", events.log_snapshot))
        at = self.read[-1].position if self.read else 0
        self.read += await self._db.read("", events.after, at, stable, 100)

    async def catch_up(self, within: float = 30) -> None:
        """Until all that was given out is stable: tests of others, on the same server, may have
        transactions open."""
        async with asyncio.timeout(within):
            while True:
                before = len(self.read)
                await self.turn()
                waits = self._watermark is not None and (
                    self._watermark.has_pending or not self._watermark.has_snapshot
                )
                if not waits and len(self.read) == before:
                    return
                await asyncio.sleep(0.005)

    async def follow(self) -> None:
        while True:
            await self.turn()
            await asyncio.sleep(0.002)


@pytest.fixture
async def log_db(shared_postgres: SharedPostgres) -> AsyncIterator[PostgresDatabase]:
    """A log without other writers, with a connection for each writer."""
    url = shared_postgres.new_database(databases.with_tables)
    opened = await PostgresDatabase.open(url, pool_size=WRITERS + 4)
    try:
        yield opened
    finally:
        await opened.close()


async def append_events(tx: Tx, conversation: str, seq: int, dice: random.Random) -> None:
    """One to three events in a slow transaction, which may be rolled back."""
    for _ in range(dice.choice((1, 1, 3))):
        event = Event("message.created", "everyone", conversation, new_id(), seq, "{}", 1)
        await events.append(tx, event)
        await asyncio.sleep(dice.choice((0, 0, 0.001, 0.03)))
    if dice.random() < 0.2:
        raise ChangedItsMind


async def write(
    db: PostgresDatabase, locks: dict[str, asyncio.Lock], seqs: Counter[str], dice: random.Random
) -> None:
    """A writer holds its conversation from before it takes a position until the commit."""
    for _ in range(30):
        tenant, conversation = dice.choice(CONVERSATIONS)
        async with locks[conversation]:
            try:
                await db.write(tenant, append_events, conversation, seqs[conversation] + 1, dice)
                seqs[conversation] += 1
            except ChangedItsMind:
                pass


async def load(db: PostgresDatabase, seed: int) -> None:
    locks, seqs = defaultdict[str, asyncio.Lock](asyncio.Lock), Counter[str]()
    dice = random.Random(seed)
    await asyncio.gather(
        *(write(db, locks, seqs, random.Random(dice.random())) for _ in range(WRITERS))
    )


async def test_under_load_nothing_is_skipped_and_the_naive_reader_misses(
    log_db: PostgresDatabase,
) -> None:
    careful, naive = Follower(log_db), Follower(log_db, naive=True)
    following = [asyncio.create_task(each.follow()) for each in (careful, naive)]
    await load(log_db, 1)
    for task in following:
        task.cancel()
    await careful.catch_up()
    await naive.catch_up()
    committed = await log_db.read("", events.after, 0, EVERYTHING, 10_000)
    assert len(committed) > 300
    assert careful.read == committed
    assert len(naive.read) < len(committed)
    assert_in_order(careful.read)


def assert_in_order(read: list[LoggedEvent]) -> None:
    """Within a conversation, positions are in the order of the commits."""
    by_conversation = defaultdict[str | None, list[int]](list)
    for event in read:
        assert event.seq is not None
        by_conversation[event.conversation_id].append(event.seq)
    assert len(by_conversation) == len(CONVERSATIONS)
    for seqs in by_conversation.values():
        assert seqs == sorted(seqs)
        assert set(seqs) == set(range(1, max(seqs) + 1))


async def test_a_foreign_open_transaction_delays_and_skips_nothing(
    log_db: PostgresDatabase,
) -> None:
    other = await asyncpg.connect(log_db._url)
    await other.execute("BEGIN; SELECT pg_current_xact_id()")
    careful = Follower(log_db)
    await careful.turn()
    following = asyncio.create_task(careful.follow())
    await load(log_db, 2)
    assert careful.read == []
    await other.close()
    following.cancel()
    await careful.catch_up()
    assert careful.read == await log_db.read("", events.after, 0, EVERYTHING, 10_000)
    assert_in_order(careful.read)


async def test_the_one_transaction_that_is_open_is_waited_for(log_db: PostgresDatabase) -> None:
    begun, end = asyncio.Event(), asyncio.Event()

    async def slow(tx: Tx) -> None:
        await events.append(tx, Event("tenant.updated", "staff", None, new_id(), None, "{}", 1))
        begun.set()
        await end.wait()

    careful = Follower(log_db)
    writing = asyncio.create_task(log_db.write(new_id(), slow))
    await begun.wait()
    for _ in range(5):
        await careful.turn()
    assert careful._watermark is not None
    assert (careful._watermark.stable, careful._watermark.has_pending) == (0, True)
    end.set()
    await writing
    await careful.catch_up()
    assert len(careful.read) == 1
