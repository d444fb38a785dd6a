"""`python -m bench.retention`: delete the old messages of a tenant, alone and while others send
(docs/retention.md).

`koine retention run` works in a process of its own. Sends go to a server on the same database, as
fast as it takes them: their rate before is compared with that during the run.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from statistics import median

from msgspec import Struct

from bench import workload
from bench.commands import CONNECTIONS, Databases, each_kind, fill, log, parse_arguments
from bench.generator import Generator
from bench.server import SECRET, Server
from bench.tenant_size import TINY, TenantSize

SIZE = TenantSize(conversations=10_000, messages=20, drivers=100, customers=5_000, deep_messages=20)
PERIOD = "30d"


class Deleted(Struct, frozen=True):
    """A run: how many messages it deleted and in how many seconds; how many messages a second were
    sent without it (before and after it, as the machine's speed drifts) and during it, 0 if none
    were sent."""

    what: str
    messages: int
    seconds: float
    without: float = 0.0
    during: float = 0.0


def main() -> None:
    """Build the tenants, measure, print."""
    arguments = parse_arguments("retention", __doc__)
    size = TINY if arguments.short else SIZE
    seconds = 0.1 if arguments.short else 3.0
    for name, folder, urls in each_kind(arguments):
        _measure(name, urls, folder, size, seconds)


def _measure(name: str, urls: Databases, folder: Path, size: TenantSize, seconds: float) -> None:
    for url in (urls.full, urls.small):
        log(f"{name}: filling it with {size.conversations * size.messages:,} messages")
        asyncio.run(fill(url, size, events=False))
        _koine(folder, url, "retention", "set", "--messages", PERIOD)
    done = [_delete("alone", name, folder, urls.full)]
    generator = Generator(folder)
    calls = workload.prepare(generator, size)
    with Server(urls.small, folder) as server:

        def send() -> float:
            return generator.run(server.port, calls.send, CONNECTIONS, seconds).rate

        send()
        done.append(_delete("while others send", name, folder, urls.small, send))
    print(f"\n{name}: {size.conversations * size.messages:,} old messages, {CONNECTIONS} senders")
    print(f"{'':<20}{'messages':>10}{'s':>8}{'deleted/s':>12}{'sent/s without':>16}"
          f"{'during':>10}{'ratio':>8}")  # fmt: skip
    for each in done:
        ratio = each.during / each.without if each.without else 0
        print(
            f"{each.what:<20}{each.messages:>10,}{each.seconds:>8.1f}"
            f"{each.messages / each.seconds:>12,.0f}{each.without:>16,.0f}{each.during:>10,.0f}"
            f"{ratio:>8.2f}"
        )


def _delete(
    what: str,
    name: str,
    folder: Path,
    url: str,
    send: Callable[[], float] | None = None,
) -> Deleted:
    """Run the rules; before, meanwhile and after send, if wanted."""
    log(f"{name}: deleting {what}")
    without = [] if send is None else [send() for _ in range(3)]
    process = _start(folder, url, "retention", "run", "--json")
    during = []
    while process.poll() is None:
        if send is not None:
            during.append(send())
        else:
            time.sleep(0.02)
    printed, _ = process.communicate()
    if process.returncode:
        raise RuntimeError("koine retention run failed")
    if len(during) > 1:
        during.pop()  # the command ended within it
    if send is not None:
        without += [send() for _ in range(3)]
    messages = json.loads(printed)["deleted"]["messages"]
    rates = (median(each) if each else 0.0 for each in (without, during))
    return Deleted(what, messages, _seconds(folder, url), *rates)


def _seconds(folder: Path, url: str) -> float:
    """How long the run took, without the start of the command."""
    printed, _ = _start(folder, url, "retention", "show", "--json").communicate()
    last = json.loads(printed)["last_run"]
    began, ended = (datetime.fromisoformat(last[at]) for at in ("started_at", "finished_at"))
    return (ended - began).total_seconds()


def _koine(folder: Path, url: str, *words: str) -> None:
    if _start(folder, url, *words).wait():
        raise RuntimeError(f"koine {' '.join(words)} failed")


def _start(folder: Path, url: str, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "koine", *words, "--database", url, "--data", str(folder)]
    environment = os.environ | {"KOINE_SECRET_KEY": SECRET}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE)


if __name__ == "__main__":
    main()
