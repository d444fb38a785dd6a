"""`python -m bench.archive`: export and import a tenant of 1,000,000 messages, idle and while
others send (docs/benchmarks.md).

Each command is `koine tenant …` in a process of its own. Sends go to a server on the same database;
the p99 of their time before is compared with that during the command.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from msgspec import Struct

from bench import large_seed, workload
from bench.commands import (
    CONNECTIONS,
    MILLION,
    Databases,
    each_kind,
    fill,
    log,
    parse_arguments,
    peak_mb,
)
from bench.generator import Generator
from bench.server import SECRET, Server
from bench.tenant_size import SMALL, TINY, TenantSize


class Measured(Struct, frozen=True):
    """One command: its seconds, its largest memory in MB, and the p99 of sends in ms before it and
    during it (0 without sends)."""

    what: str
    seconds: float
    memory_mb: float
    before_ms: float = 0.0
    during_ms: float = 0.0


def main() -> None:
    """Build the tenants, measure, print."""
    arguments = parse_arguments("archive", __doc__)
    size = TINY if arguments.short else MILLION
    small = TINY if arguments.short else SMALL
    seconds = 0.1 if arguments.short else 3.0
    for name, folder, urls in each_kind(arguments):
        _measure(name, urls, folder, (size, small), seconds)


def _measure(
    name: str, urls: Databases, folder: Path, sizes: tuple[TenantSize, TenantSize], seconds: float
) -> None:
    size, small = sizes
    log(f"{name}: filling it with {size.conversations * size.messages:,} messages")
    asyncio.run(fill(urls.full, size))
    asyncio.run(fill(urls.small, small))
    asyncio.run(large_seed.migrate(urls.empty))
    generator = Generator(folder)
    print(f"\n{name}: {size.conversations * size.messages:,} messages, {CONNECTIONS} senders")
    print(f"{'':<30}{'s':>8}{'MB':>8}{'p99 before':>14}{'p99 during':>14}{'ratio':>8}")
    idle: list[tuple[str, str, tuple[str, ...]]] = [
        ("export, idle", urls.full, ("export", "bench", "idle.koine")),
        ("import, idle", urls.empty, ("import", "idle.koine")),
    ]
    for what, url, words in idle:
        log(f"{name}: {what}")
        _show(_run(what, folder, url, words))
    log(f"{name}: verify")
    _show(_run("verify", folder, None, ("verify", "idle.koine")))
    busy: list[tuple[str, str, TenantSize, tuple[str, ...]]] = [
        ("export, while others send", urls.full, size, ("export", "bench", "busy.koine")),
        (
            "import, while others send", urls.small, small,
            ("import", "busy.koine", "--as", "Copy", "--new-ids"),
        ),
    ]  # fmt: skip
    for what, url, of, words in busy:
        calls = workload.prepare(generator, of)
        with Server(url, folder) as server:
            log(f"{name}: {what}")

            def send(server: Server = server, calls: workload.Calls = calls) -> float:
                return generator.run(server.port, calls.send, CONNECTIONS, seconds).p99_ms

            send()
            before = median(send() for _ in range(3))
            _show(_run(what, folder, url, words, before, send))


def _show(each: Measured) -> None:
    ratio = each.during_ms / each.before_ms if each.before_ms else 0
    print(
        f"{each.what:<30}{each.seconds:>8.1f}{each.memory_mb:>8.0f}{each.before_ms:>14.2f}"
        f"{each.during_ms:>14.2f}{ratio:>8.2f}",
        flush=True,
    )


def _run(
    what: str,
    folder: Path,
    url: str | None,
    words: tuple[str, ...],
    before: float = 0.0,
    send: Callable[[], float] | None = None,
) -> Measured:
    """Run a command; meanwhile send, if wanted."""
    where = () if url is None else ("--database", url, "--data", str(folder / "data"))
    command = [sys.executable, "-m", "koine", "tenant", *words, *where]
    environment = os.environ | {"KOINE_SECRET_KEY": SECRET}
    began, during, memory = time.monotonic(), [], 0.0
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    while (status := process.poll()) is None:
        memory = max(memory, peak_mb(process.pid))
        if send is not None:
            during.append(send())
        else:
            time.sleep(0.02)
    if send is not None and len(during) > 1:
        during.pop()  # the command ended within it
    seconds = time.monotonic() - began
    if status:
        raise RuntimeError(f"{' '.join(words)} failed")
    return Measured(what, seconds, memory, before, median(during) if during else 0.0)


if __name__ == "__main__":
    main()
