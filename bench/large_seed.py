"""Creates the large tenants in batches, and skips the batches that are already there."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg

from bench import seed
from bench.seed import SqlSyntax
from bench.tenant_size import TenantSize
from koine.store import schema
from koine.store.core.db import Database
from koine.store.postgres import PostgresDatabase
from koine.store.sqlite import SqliteDatabase
from koine.store.sqlite.connection import connect
from tests.support import binaries, postgres
from tests.support.postgres import UNSAFE_SETTINGS, Postgres

BATCH_SIZE = 20_000
"""Conversations that are committed together."""
SETTINGS = UNSAFE_SETTINGS | {
    "shared_buffers": "'1GB'",
    "max_wal_size": "'8GB'",
    "work_mem": "'64MB'",
}
"""Without durability: a lost tenant is created again, and the measurements only read."""
Execute = Callable[[str], Awaitable[object]]
Log = Callable[[str], None]


class PersistentPostgres(Postgres):
    """A cluster whose directory is created if it does not exist, and kept after the run."""

    def __init__(self, directory: Path) -> None:
        super().__init__(settings=SETTINGS)
        self.directory = directory

    def start(self) -> Postgres:
        """Start the server. Raises RuntimeError if its user cannot enter the directory."""
        known = self._data.exists()
        self.directory.mkdir(exist_ok=True)
        self._run_as.chown(self.directory)
        if not self._run_as.succeeds("/bin/sh", "-c", f'cd "{self.directory}"'):
            raise RuntimeError(f"{self._run_as.user} cannot reach {self.directory}: use --dir")
        self.bin = binaries.find(self._run_as, self.directory, self.needs)
        secret = self.directory / "password"
        self._start_on_a_free_port(secret.read_text() if known else self._initdb())
        return self

    def stop(self) -> None:
        """Stop the server with a checkpoint; the files stay."""
        self._pg_ctl("stop", "-m", "fast")


@contextmanager
def urls(database: str, directory: Path) -> Iterator[Callable[[str], str]]:
    """The URL of each tenant's database; a PostgreSQL server runs while the context is open."""
    if database == "sqlite":
        yield lambda name: f"sqlite:///{directory / name}.db"
        return
    cluster = PersistentPostgres(directory / "postgres")
    cluster.start()
    try:
        yield lambda name: postgres.at_database(cluster.url, f"koine_{name}")
    finally:
        cluster.stop()


async def build(database: str, url: str, size: TenantSize, log: Log) -> None:
    """Create the rest of a tenant."""
    sql = SqlSyntax(postgres=database == "postgres")
    if sql.postgres:
        await create(url)
    await migrate(url)
    async with _connected(url) as (execute, ask):
        if not await ask("SELECT count(*) FROM tenants"):
            await _in_transaction(execute, seed.people_and_inboxes(sql, size))
        done = int(str(await ask("SELECT coalesce(max(number), 0) FROM conversations")))
        for first in range(done + 1, size.conversations + 1, BATCH_SIZE):
            last = min(first + BATCH_SIZE - 1, size.conversations)
            await _in_transaction(execute, seed.conversations(sql, size, first, last))
            log(f"{database}: {last:,} of {size.conversations:,} conversations")
        if not await ask("SELECT count(*) FROM counters"):
            log(f"{database}: counting the totals")
            await _in_transaction(execute, seed.totals(sql, size))
            if sql.postgres:
                await execute("VACUUM (ANALYZE)")
                await execute("CHECKPOINT")


async def _in_transaction(execute: Execute, statements: Iterator[str]) -> None:
    """Run statements in one transaction."""
    await execute("BEGIN")
    for statement in statements:
        await execute(statement)
    await execute("COMMIT")


async def create(url: str) -> None:
    """Create the database of a URL on its server, if there is none."""
    name = postgres.database_of(url)
    connection = await asyncpg.connect(postgres.at_database(url, "postgres"))
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()


async def migrate(url: str) -> None:
    """Create the tables."""
    database: Database
    if url.startswith("sqlite"):
        database = await SqliteDatabase.open(url.removeprefix("sqlite:///"))
    else:
        database = await PostgresDatabase.open(url)
    await schema.migrate(database)
    await database.close()


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[tuple[Execute, Execute]]:
    """A function that runs a statement, and one that reads a single value."""
    if not url.startswith("sqlite"):
        connection = await asyncpg.connect(url)
        try:
            yield connection.execute, connection.fetchval
        finally:
            await connection.close()
        return
    file = connect(Path(url.removeprefix("sqlite:///")), cache_mib=512)
    # A killed run loses nothing; after a power cut the file may be damaged, and is built again.
    file.execute("PRAGMA synchronous=OFF").fetchall()
    file.execute(f"PRAGMA wal_autocheckpoint={(256 << 20) // 4096}").fetchall()

    async def execute(text: str) -> object:
        return file.execute(text).fetchall()

    async def ask(text: str) -> object:
        return file.execute(text).get

    try:
        yield execute, ask
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        file.close()
        os.sync()
