"""`python -m bench.move`: move a server of 1,000,000 messages from SQLite to PostgreSQL, and
to another file (docs/move.md).

Each move is `koine move` in a process of its own, whose time, time on a core, and largest memory
are printed, and the machine's load.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import large_seed, postgres
from bench.commands import MILLION, fill, log, peak_mb
from bench.server import SECRET
from bench.tenant_size import TINY
from tests.support.postgres import at_database


def main() -> None:
    """Fill a SQLite file, move it there and back, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.move", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a small tenant: no figures")
    size = TINY if parser.parse_args().short else MILLION
    cluster = postgres.start()
    try:
        with tempfile.TemporaryDirectory(prefix="koine-bench-move-") as scratch:
            there = at_database(cluster.url, "moved")
            asyncio.run(large_seed.create(there))
            here, back = (f"sqlite:///{scratch}/{name}.db" for name in ("here", "back"))
            log(f"filling SQLite with {size.conversations * size.messages:,} messages")
            asyncio.run(fill(here, size))
            print(f"{'':<30}{'s':>5}{'core s':>10}{'MB':>8}{'load':>8}")
            _move("SQLite to PostgreSQL", here, there, Path(scratch))
            _move("PostgreSQL to SQLite", there, back, Path(scratch))
    finally:
        cluster.stop()


def _move(what: str, source: str, target: str, folder: Path) -> None:
    where = ("--database", source, "--data", str(folder / "data"))
    command = [sys.executable, "-m", "koine", "move", *where, "--to", target]
    began = time.monotonic()
    environment = os.environ | {"KOINE_SECRET_KEY": SECRET}
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    memory, pid = 0.0, 0
    while not pid:
        time.sleep(0.1)
        memory = max(memory, peak_mb(process.pid))
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
    if status:
        raise RuntimeError(f"{what} failed")
    seconds, load = time.monotonic() - began, os.getloadavg()[0]
    cpu = usage.ru_utime + usage.ru_stime
    print(f"{what:<30}{seconds:>5.1f}{cpu:>10.1f}{memory:>8.0f}{load:>8.1f}", flush=True)


if __name__ == "__main__":
    main()
