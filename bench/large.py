"""`make bench-large`: lists over 10,000 and over 1,000,000 conversations (docs/benchmarks.md).

Both tenants are built on both databases, in batches that are committed one by one: an interrupted
build continues after the last batch. With --dir they are kept, and the next run only measures.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct, structs

from bench import large_seed
from bench.generator import Generator
from bench.large_lists import Lists, Medians
from bench.server import Server
from bench.tenant_size import LARGE, TINY, TYPICAL, TenantSize

NEEDED_GIB = {"postgres": 12, "sqlite": 10}
"""Disk space that the tenants need while they are built."""
SIZES = {"10k": TYPICAL, "1m": LARGE}
SHORT_SIZES = {"10k": TINY, "1m": structs.replace(TINY, conversations=240)}
"""For the short form, which tests the command; its figures mean nothing."""
READS_ONLY = {"KOINE_UNSAFE_DATABASE": "true"}
"""The server accepts databases that were built without fsync: it only reads."""


class Bound(Struct, frozen=True):
    """A documented bound: the time of one list over that of another is at most `most`."""

    what: str
    value: float
    most: float


def main() -> None:
    """Build what is missing, measure, print; the exit status is 1 when a bound is exceeded."""
    arguments = _arguments()
    databases = [name for name in NEEDED_GIB if getattr(arguments, name)] or list(NEEDED_GIB)
    exceeded = False
    with ExitStack() as stack:
        if arguments.dir is None:
            scratch = tempfile.TemporaryDirectory(prefix="koine-bench-large-")
            directory = Path(stack.enter_context(scratch))
        else:
            directory = Path(arguments.dir).resolve()
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)
        if not arguments.short:
            _check_space(directory, databases)
        for database in databases:
            exceeded |= _compare(database, directory, arguments.short)
    sys.exit(1 if exceeded and not arguments.short else 0)


def _compare(database: str, directory: Path, short: bool) -> bool:
    """Build and measure one database's two tenants; whether a bound is exceeded."""
    sizes = SHORT_SIZES if short else SIZES
    with large_seed.urls(database, directory) as url_of:
        for name, size in sizes.items():
            asyncio.run(large_seed.build(database, url_of(name), size, _log))
        _log(f"{database}: measuring")
        urls = {name: url_of(name) for name in sizes}
        times = _measure(sizes, urls, *((1, 0.01) if short else (3, 0.5)))
    print(f"\n{database}, ms for one list, one at a time (p50)")
    print(f"{'':<44}{'10k':>10}{'1m':>10}{'ratio':>8}")
    for what, large in times["1m"].items():
        small = times["10k"].get(what)
        cells = f"{small:>10.2f}{large:>10.2f}{large / small:>8.2f}" if small else f"{large:>20.2f}"
        print(f"{what:<44}{cells}")
    exceeded = False
    for bound in _bounds(times["10k"], times["1m"]):
        met = bound.value <= bound.most
        exceeded |= not met
        label = "ok" if met else "EXCEEDED"
        print(f"{label:<10}{bound.what:<48}{bound.value:>8.2f} <= {bound.most}")
    return exceeded


def _measure(
    sizes: dict[str, TenantSize], urls: dict[str, str], rounds: int, seconds: float
) -> dict[str, Medians]:
    """Measure both tenants list by list, in turn: a slow minute of the machine slows both."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="koine-bench-")))
        generator = Generator(scratch)
        lists = {
            name: Lists(
                stack.enter_context(Server(url, scratch, settings=READS_ONLY)),
                generator,
                sizes[name],
            )
            for name, url in urls.items()
        }
        for _ in range(rounds):
            for what in dict.fromkeys(what for each in lists.values() for what in each.calls):
                for each in lists.values():
                    each.measure(what, seconds)
        return {name: each.medians() for name, each in lists.items()}


def _bounds(small: Medians, large: Medians) -> list[Bound]:
    """The documented bounds of lists over a million conversations."""
    first = [what for what in small if what.endswith("page 1") and what in large]
    bounds = [Bound(f"{what}, 1m / 10k", large[what] / small[what], 2) for what in first]
    for what, milliseconds in large.items():
        base, _, page = what.rpartition(", ")
        most = {"page 500": 10.0, "page 500 by cursor": 1.5}.get(page)
        if most is not None:
            ratio = milliseconds / large[f"{base}, page 1"]
            bounds.append(Bound(f"{what} / page 1", ratio, most))
    return bounds


def _check_space(directory: Path, databases: list[str]) -> None:
    free = shutil.disk_usage(directory).free / (1 << 30)
    needed = sum(NEEDED_GIB[name] for name in databases)
    if free < needed and not any(directory.iterdir()):
        raise SystemExit(f"{directory} has {free:.0f} GiB free, {needed} are needed: use --dir")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.large", description=__doc__)
    parser.add_argument("--postgres", action="store_true", help="PostgreSQL alone")
    parser.add_argument("--sqlite", action="store_true", help="SQLite alone")
    parser.add_argument("--dir", help="keep the databases here (default: a temporary directory)")
    parser.add_argument("--short", action="store_true", help="as short as a test: no figures")
    return parser.parse_args()


def _log(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
