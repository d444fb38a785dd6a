"""The ceiling on PostgreSQL: pgbench writes the rows of sends, one transaction each."""

import re
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from msgspec import Struct

from bench import seed
from bench.seed import SqlSyntax
from bench.tenant_size import FIRST_SENT, TenantSize
from koine.store import schema
from koine.store.postgres import PostgresDatabase
from tests.support.postgres import Postgres

SCRIPT = Path(__file__).with_name("send.sql")
PROGRAMS = ("initdb", "pg_ctl", "postgres", "pgbench")
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "'512MB'",
    "max_wal_size": "'4GB'",
}
"""Commits are durable; memory as on a small server."""
THREADS = 2


class Run(Struct, frozen=True):
    """One run of pgbench: transactions a second, their average time in ms, how many failed."""

    rate: float
    average_ms: float
    failed: int


def start() -> Postgres:
    """A temporary server with durable commits."""
    return Postgres(fsync=True, settings=SETTINGS, needs=PROGRAMS).start()


async def fill(url: str, size: TenantSize) -> None:
    """Create the tables and the tenant, and their statistics."""
    database = await PostgresDatabase.open(url)
    await schema.migrate(database)
    await database.close()
    connection = await asyncpg.connect(url)
    try:
        await seed.small(connection.execute, SqlSyntax(postgres=True), size)
        await connection.execute(f"CREATE SEQUENCE bench_ids START {FIRST_SENT} CACHE 1000")
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def pgbench(server: Postgres, size: TenantSize, clients: int, seconds: float, *, hot: bool) -> Run:
    """Run the script with `clients`, in random conversations; with `hot`, all in the first."""
    target = urlsplit(server.url)
    # -T takes whole seconds; a shorter run is so many transactions of each client.
    length = ("-T", str(round(seconds))) if seconds >= 1 else ("-t", str(round(seconds * 500)))
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(script_text(size, hot=hot))
        script.flush()
        done = subprocess.run(
            [
                server.bin / "pgbench", "-n", "-M", "prepared", "-f", script.name,
                "-c", str(clients), "-j", str(min(THREADS, clients)), *length,
                "-h", str(target.hostname), "-p", str(target.port), "-U", str(target.username),
                target.path.lstrip("/"),
            ],
            capture_output=True, text=True, env={"PGPASSWORD": target.password or ""},
        )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"pgbench failed:\n{done.stderr}")
    return parse(done.stdout)


def script_text(size: TenantSize, *, hot: bool) -> str:
    """The script for a tenant of this size."""
    values = {
        "TENANT": size.tenant_id(),
        "CONVERSATIONS": 1 if hot else size.conversations,
        "FIRST_DRIVER": size.driver_of(0),
        "DRIVERS": size.drivers,
    }
    return re.sub(r"@(\w+)@", lambda match: str(values[match[1]]), SCRIPT.read_text())


def parse(output: str) -> Run:
    """Parse the output of pgbench. Raises RuntimeError if a figure is missing."""

    def number(pattern: str) -> float:
        found = re.search(pattern, output)
        if found is None:
            raise RuntimeError(f"unknown output of pgbench:\n{output}")
        return float(found[1])

    return Run(
        rate=number(r"tps = ([\d.]+) \(without initial"),
        average_ms=number(r"latency average = ([\d.]+) ms"),
        failed=int(number(r"number of failed transactions: (\d+)")),
    )
