"""One process at a time makes the scheduled backup, and another one takes over."""

import asyncio

from koine.kit.backup_rules import parse_schedule
from koine.kit.times import DAY, HOUR, MINUTE, SECOND, parse_iso
from koine.server.backup import lease
from koine.server.backup.lease import LEASE_SECONDS, BackupLease, BackupOutcome
from koine.store.core.db import Database

NOW = parse_iso("2026-11-30T12:00")
DAILY = parse_schedule("1d")
LEASE = LEASE_SECONDS * SECOND


async def take(db: Database, holder: str, now: int) -> bool:
    return await db.write("", lease.take, DAILY, holder, f"node-of-{holder}", now)


async def test_of_many_processes_one_takes_the_lease(empty_db: Database) -> None:
    took = await asyncio.gather(*(take(empty_db, f"p{n}", NOW) for n in range(5)))
    assert sorted(took) == [False] * 4 + [True]
    held = await empty_db.read("", lease.get)
    assert held.is_held(NOW) and held.node == f"node-of-{held.holder}"


async def test_another_process_takes_over_when_the_lease_has_ended(empty_db: Database) -> None:
    assert await take(empty_db, "dead", NOW)
    assert await empty_db.write("", lease.renew, "dead", NOW + MINUTE)
    assert not await take(empty_db, "next", NOW + MINUTE + LEASE - 1)
    assert await take(empty_db, "next", NOW + MINUTE + LEASE)
    assert not await empty_db.write("", lease.renew, "dead", NOW + MINUTE + LEASE)
    done = BackupOutcome(stored=True)
    assert not await empty_db.write("", lease.end, "dead", NOW, NOW + LEASE, done)
    assert (await empty_db.read("", lease.get)).holder == "next"


async def test_a_lease_that_is_given_back_is_free_at_once(empty_db: Database) -> None:
    assert await take(empty_db, "stopped", NOW)
    assert await empty_db.write("", lease.give_back, "stopped")
    assert not await empty_db.write("", lease.give_back, "stopped")
    assert await take(empty_db, "next", NOW)


async def test_the_next_is_due_a_day_after_the_start_of_a_good_one(empty_db: Database) -> None:
    assert await take(empty_db, "a", NOW)
    assert await empty_db.write("", lease.end, "a", NOW, NOW + HOUR, BackupOutcome(stored=True))
    assert not await take(empty_db, "a", NOW + DAY - 1)
    assert await take(empty_db, "a", NOW + DAY)


async def test_a_failed_one_is_tried_again_later_and_later(empty_db: Database) -> None:
    now = NOW
    for pause in (15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 4 * HOUR):
        assert await take(empty_db, "a", now)
        assert await empty_db.write("", lease.end, "a", now, now, BackupOutcome(error="no space"))
        assert not await take(empty_db, "a", now + pause - 1)
        now += pause
    failed = await empty_db.read("", lease.get)
    assert (failed.failures, failed.error, failed.stored_at) == (6, "no space", None)
    assert await take(empty_db, "a", now)
    assert await empty_db.write("", lease.end, "a", now, now, BackupOutcome(stored=True))
    assert await empty_db.read("", lease.get) == BackupLease(stored_at=now)


async def test_a_clock_that_was_wrong_does_not_stop_backups(empty_db: Database) -> None:
    later = NOW + 365 * DAY
    assert await take(empty_db, "dead", later)
    assert await take(empty_db, "next", NOW), "nobody holds it for a year"
    assert await empty_db.write("", lease.end, "next", NOW, later, BackupOutcome(error="no space"))
    assert await take(empty_db, "next", NOW)


async def test_a_backup_that_is_not_verified_is_not_made_again_at_once(
    empty_db: Database,
) -> None:
    assert await take(empty_db, "a", NOW)
    stored = BackupOutcome(stored=True, error="not verified")
    assert await empty_db.write("", lease.end, "a", NOW, NOW, stored)
    assert not await take(empty_db, "a", NOW + DAY - 1)
    assert (await empty_db.read("", lease.get)).failures == 1
    assert await take(empty_db, "a", NOW + DAY)
