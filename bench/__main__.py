"""`make bench`: everything in one run of at most five minutes (docs/benchmarks.md)."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

import asyncpg

from bench import host_info, postgres, report, sqlite
from bench.suite import SHORT, Scale, Suite


def main() -> None:
    """Measure, print, and write bench/latest.json; in the short form, do not write it."""
    arguments = _arguments()
    full = Scale(rounds=arguments.rounds, seconds=arguments.seconds)
    scale = SHORT if arguments.short else full
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="koine-bench-") as scratch:
        directory = Path(scratch)
        suite = Suite(scale, directory, _log)
        _log("starting PostgreSQL and filling it")
        cluster = postgres.start()
        try:
            asyncio.run(postgres.fill(cluster.url, scale.size))
            machine = host_info.describe(directory, asyncio.run(_version(cluster.url)))
            suite.on_postgres(cluster)
        finally:
            cluster.stop()
        _log("filling SQLite")
        path = directory / "koine.db"
        asyncio.run(sqlite.fill(path, scale.size))
        suite.on_sqlite(path)
    if not arguments.short:
        report.write(suite.figures, machine)
    report.show(suite.figures, machine, (time.monotonic() - began) / 60)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of all measurements (default 3)")
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement (default 3)")
    parser.add_argument("--short", action="store_true", help="as short as a test: no figures")
    return parser.parse_args()


async def _version(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


def _log(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
