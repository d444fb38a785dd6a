"""`python -m bench.start`: how long a server with 100 tenants takes from its start to the first
response, on both databases.

Each tenant has ten webhooks and five inboxes, whose secrets the start looks through. The minimum,
median and maximum of several starts, in seconds, are printed, and the machine's load.
"""

import argparse
import asyncio
import os
import tempfile
from pathlib import Path
from statistics import median

from bench import postgres
from bench.server import SECRET, Server
from koine.engine import tenants
from koine.engine.contacts import inboxes
from koine.engine.contacts.inboxes import NewInbox
from koine.engine.core.engine import open_engine
from koine.engine.webhooks import endpoints
from koine.engine.webhooks.endpoints import NewEndpoint
from koine.kit.clock import SystemClock
from koine.kit.settings import load
from koine.model.actor import operator
from koine.server.database import open_database
from koine.server.webhook_formats import webhook_formats
from koine.store import schema

TENANTS, WEBHOOKS, INBOXES = 100, 10, 5
STARTS = 7


def main() -> None:
    """Fill both databases, start a server on each several times, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.start", description=__doc__)
    parser.add_argument("--short", action="store_true", help="one start, few tenants: no figures")
    short = parser.parse_args().short
    count, starts = (3, 1) if short else (TENANTS, STARTS)
    cluster = postgres.start()
    try:
        with tempfile.TemporaryDirectory(prefix="koine-bench-start-") as scratch:
            print(f"{count} tenants{'':<8}{'min':>8}{'median':>8}{'max':>8}{'load':>8}")
            for url in (f"sqlite:///{scratch}/koine.db", cluster.url):
                _measure(url, Path(scratch), count, starts)
    finally:
        cluster.stop()


def _measure(url: str, folder: Path, count: int, starts: int) -> None:
    asyncio.run(_fill(url, count))
    times = []
    for _ in range(starts):
        with Server(url, folder) as server:
            times.append(server.first_response)
    kind, load = url.partition(":")[0], os.getloadavg()[0]
    figures = "".join(f"{each:>8.2f}" for each in (min(times), median(times), max(times), load))
    print(f"{kind:<19}{figures}", flush=True)


async def _fill(url: str, count: int) -> None:
    settings = load({"KOINE_DATABASE_URL": url, "KOINE_SECRET_KEY": SECRET})
    db = await open_database(settings)
    try:
        await schema.migrate(db)
        formats = webhook_formats(settings.public_url())
        engine = await open_engine(db, SystemClock(), settings, formats)
        for n in range(count):
            tenant = await tenants.create(engine, f"Tenant {n}", f"tenant-{n}")
            actor = operator(tenant.id)
            for _ in range(WEBHOOKS):
                new = NewEndpoint(url="https://hooks.example/koine", dialect="native")
                await endpoints.create(engine, actor, new)
            for _ in range(INBOXES):
                await inboxes.create(engine, actor, NewInbox(name="Website"))
        await engine.outbound.close()
    finally:
        await db.close()


if __name__ == "__main__":
    main()
