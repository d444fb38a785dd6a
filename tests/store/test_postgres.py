"""Behaviour of PostgreSQL alone: retries, lost connections, the pool."""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from koine.kit.ids import new_id
from koine.model.errors import Conflict, Unavailable
from koine.store import schema
from koine.store.core.db import CannotConnect, MissingRight, Tx
from koine.store.postgres import PostgresDatabase
from koine.store.postgres import database as postgres
from koine.store.postgres import pool as postgres_pool
from tests.store import scratch
from tests.store.scratch import add, add_many, do, names
from tests.support.databases import with_tables
from tests.support.postgres import execute
from tests.support.restricted_role import restricted_role
from tests.support.shared_postgres import SharedPostgres


@pytest.fixture(scope="module")
def url(shared_postgres: SharedPostgres) -> str:
    return shared_postgres.new_empty_database()


@pytest.fixture
async def db(url: str) -> AsyncIterator[PostgresDatabase]:
    opened = await PostgresDatabase.open(url, pool_size=2)
    await scratch.make_table(opened)
    yield opened
    await opened.close()


@pytest.fixture
async def kill(url: str) -> AsyncIterator[Callable[[Any], Any]]:
    """A function that ends the connection of a transaction, as a restart of the server does."""
    other = await asyncpg.connect(url)

    async def kill(tx: Any) -> None:
        pid = tx._pooled.connection.get_server_pid()
        assert await other.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)

    yield kill
    await other.close()


@pytest.fixture
def t() -> str:
    return new_id()


async def test_a_deadlock_is_run_again(db: PostgresDatabase, t: str) -> None:
    a, b = await db.write(t, add, "a"), await db.write(t, add, "b")
    both, runs = asyncio.Barrier(2), []

    async def swap(tx: Tx, first: str, second: str) -> None:
        runs.append(first)
        await do(tx, scratch.RENAME, id=first, new_name=new_id())
        if len(runs) <= 2:
            await both.wait()
        await do(tx, scratch.RENAME, id=second, new_name=new_id())

    await asyncio.gather(db.write(t, swap, a, b), db.write(t, swap, b, a))
    # One is run again, and again if it locks its first row before the other gets it.
    assert len(runs) > 2


@pytest.mark.parametrize("after_writing", [False, True])
async def test_a_connection_lost_before_commit_is_run_again(
    db: PostgresDatabase, t: str, kill: Callable[[Any], Any], after_writing: bool
) -> None:
    runs = []

    async def operation(tx: Tx) -> None:
        if after_writing:
            await add(tx, "a")
        runs.append(1)
        if len(runs) == 1:
            await kill(tx)
        if not after_writing:
            await add(tx, "a")
        await names(tx)

    await db.write(t, operation)
    assert await db.read(t, names) == ["a"]


async def test_a_read_that_lost_its_connection_is_run_again(
    db: PostgresDatabase, t: str, kill: Callable[[Any], Any]
) -> None:
    await db.write(t, add, "a")
    runs = []

    async def operation(tx: Tx) -> list[str]:
        runs.append(1)
        if len(runs) == 1:
            await kill(tx)
        return await names(tx)

    assert await db.read(t, operation) == ["a"]


async def test_a_lost_commit_is_never_run_again(
    db: PostgresDatabase, t: str, kill: Callable[[Any], Any]
) -> None:
    runs = []

    async def operation(tx: Tx) -> None:
        runs.append(await add(tx, "a"))
        await kill(tx)  # nothing follows but COMMIT

    with pytest.raises(Unavailable):
        await db.write(t, operation)
    assert len(runs) == 1
    await db.write(t, add, "later")


async def test_a_connection_that_keeps_breaking_is_unavailable(
    db: PostgresDatabase, t: str, kill: Callable[[Any], Any]
) -> None:
    async def operation(tx: Tx) -> None:
        await kill(tx)
        await names(tx)

    for run in (db.read, db.write):
        with pytest.raises(Unavailable):
            await run(t, operation)


async def test_a_refusal_is_not_run_again_and_leaves_the_connection(
    db: PostgresDatabase, t: str
) -> None:
    runs = []

    async def operation(tx: Tx) -> None:
        runs.append(await add(tx, "a"))
        raise Conflict("closed")

    with pytest.raises(Conflict):
        await db.write(t, operation)
    assert len(runs) == 1
    assert await db.read(t, names) == []
    assert db._pool._slots_used == 1


async def test_a_cancelled_callers_transaction_is_rolled_back(db: PostgresDatabase, t: str) -> None:
    inside = asyncio.Event()

    async def operation(tx: Tx) -> None:
        await add(tx, "a")
        inside.set()
        await asyncio.Event().wait()

    task = asyncio.ensure_future(db.write(t, operation))
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await db.read(t, names) == []
    assert db._pool._slots_used == 1


async def test_a_caller_waits_for_a_connection_up_to_the_timeout(
    db: PostgresDatabase, t: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_pool, "_ACQUIRE_SECONDS", 0.02)
    free, all_taken = asyncio.Event(), asyncio.Barrier(3)

    async def hold(tx: Tx) -> None:
        await all_taken.wait()
        await free.wait()

    held = [asyncio.ensure_future(db.read(t, hold)) for _ in range(2)]
    await all_taken.wait()
    with pytest.raises(Unavailable):
        await db.read(t, names)
    await db.write_batch(
        add_many, scratch.INSERT_MANY, [(t, new_id(), "a", 0, True)]
    )  # its own lane
    free.set()
    await asyncio.gather(*held)
    assert await db.read(t, names) == ["a"]


async def test_many_callers_share_few_connections(db: PostgresDatabase, t: str) -> None:
    await asyncio.gather(*(db.write(t, add, f"n{i}") for i in range(50)))
    assert len(await db.read(t, names)) == 50
    assert db._pool._slots_used == 2


async def test_cancelled_waiters_lose_no_connection(db: PostgresDatabase, t: str) -> None:
    for round in range(20):
        tasks = [asyncio.ensure_future(db.write(t, add, f"{round}-{i}")) for i in range(12)]
        for _ in range(round):
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert len(db._pool._idle) == db._pool._slots_used <= 2
    assert not db._pool._waiting


async def test_a_lock_held_too_long_is_unavailable(
    url: str, t: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres._SETTINGS, "lock_timeout", "50ms")
    db = await PostgresDatabase.open(url)
    await scratch.make_table(db)
    a = await db.write(t, add, "a")

    async def nested(tx: Tx) -> None:
        await do(tx, scratch.RENAME, id=a, new_name="b")
        with pytest.raises(Unavailable):
            await db.write(t, do, scratch.RENAME, id=a, new_name="c")

    await db.write(t, nested)
    assert await db.read(t, names) == ["b"]
    await db.close()


@pytest.mark.parametrize("run", ["read", "write"])
async def test_a_value_that_the_driver_refuses_leaves_no_error_to_the_next_caller(
    url: str, t: str, monkeypatch: pytest.MonkeyPatch, run: str
) -> None:
    monkeypatch.setitem(postgres._SETTINGS, "statement_timeout", "100ms")
    db = await PostgresDatabase.open(url, pool_size=1)
    await scratch.make_table(db)
    with pytest.raises(asyncpg.DataError):
        await getattr(db, run)(t, scratch.ask, scratch.OPEN, limit="no number")
    await asyncio.sleep(0.3)  # longer than the timeout, whose error would come now
    assert await db.read(t, names) == []
    await db.close()


async def test_an_unreachable_server_may_answer_later() -> None:
    with pytest.raises(CannotConnect, match="does not answer: is it running") as refused:
        await PostgresDatabase.open("postgresql://koine@127.0.0.1:1/koine")
    assert refused.value.may_pass


async def test_an_unknown_host_is_named_as_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    monkeypatch.setattr(asyncpg, "connect", raising(unknown))
    with pytest.raises(CannotConnect, match=r"cannot be resolved \(Name or service not known\)"):
        await PostgresDatabase.open("postgresql://koine:secret@db.test/koine")


def raising(error: Exception) -> Any:
    async def connect(*_: object, **__: object) -> None:
        raise error

    return connect


@pytest.mark.parametrize(
    ("error", "reason", "may_pass"),
    [
        (asyncpg.CannotConnectNowError("starting up"), "is not ready: starting up", True),
        (asyncpg.TooManyConnectionsError("too many"), "is not ready: too many", True),
        (ssl.SSLCertVerificationError(1, "expired"), "over TLS", False),
        (asyncpg.TargetServerAttributeNotMatched(), "target_session_attrs", True),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "reached: No route to host", True),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_waiting_can_mend_is_distinguished_from_what_it_cannot(
    error: Exception, reason: str, may_pass: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncpg, "connect", raising(error))
    with pytest.raises(CannotConnect, match=reason) as refused:
        await PostgresDatabase.open("postgresql://koine:secret@db.test/koine")
    assert refused.value.may_pass == may_pass


async def test_a_wrong_password_or_database_is_refused_for_good(url: str) -> None:
    parts = urlsplit(url)
    wrong = parts.netloc.replace(f":{parts.password}@", ":wrong@")
    for other in (parts._replace(netloc=wrong), parts._replace(path="/nowhere")):
        with pytest.raises(CannotConnect, match="refuses the connection") as refused:
            await PostgresDatabase.open(urlunsplit(other))
        assert not refused.value.may_pass


async def test_for_a_role_without_rights_the_statement_that_grants_them_is_named(
    shared_postgres: SharedPostgres,
) -> None:
    url = shared_postgres.new_empty_database()
    with restricted_role(url, owner=False) as few:
        db = await PostgresDatabase.open(few)
        with pytest.raises(MissingRight) as missing:
            await schema.migrate(db)
        execute(url, str(missing.value).rpartition(": ")[2])
        await schema.migrate(db)
        await db.close()


async def test_for_a_role_that_does_not_own_the_tables_their_owner_is_named(
    shared_postgres: SharedPostgres,
) -> None:
    url = shared_postgres.new_database(with_tables)
    with restricted_role(url, owner=False) as few:
        execute(url, "GRANT USAGE ON SCHEMA public TO PUBLIC")
        db = await PostgresDatabase.open(few)
        with pytest.raises(MissingRight, match=r"GRANT \w+ TO koine_role_") as missing:
            await db.version()
        execute(url, str(missing.value).rpartition(": ")[2])
        await schema.check(db)
        await db.close()


async def test_a_closed_database_is_unavailable(url: str, t: str) -> None:
    db = await PostgresDatabase.open(url)
    await db.close()
    with pytest.raises(Unavailable):
        await db.read(t, names)
