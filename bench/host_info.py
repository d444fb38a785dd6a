"""Describes the machine: figures are only comparable on equal ones."""

import os
import platform
import re
import time
from pathlib import Path

import apsw


def describe(directory: Path, postgres: str) -> dict[str, str]:
    """The machine, its disk and the versions; `postgres` is the server's version."""
    return {
        "processor": f"{_cores()} x {_processor()}",
        "memory": f"{_memory_gib():.0f} GiB",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "disk": f"{_syncs_per_second(directory):,.0f} writes of 8 KiB with fdatasync a second",
        "python": platform.python_version(),
        "postgres": postgres,
        "sqlite": apsw.sqlite_lib_version(),
        "load": f"{os.getloadavg()[0]:.2f} before the run",
    }


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", known.read_text()) if known.exists() else None
    return found[1] if found else platform.processor() or "unknown processor"


def _memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)


def _syncs_per_second(directory: Path, seconds: float = 0.5) -> float:
    """How many synchronous writes a second the disk does: the bound of commits one by one."""
    path = directory / "syncs"
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    sync = getattr(os, "fdatasync", os.fsync)
    block, count, began = b"x" * 8192, 0, time.monotonic()
    while time.monotonic() - began < seconds:
        os.pwrite(file, block, (count % 1024) * 8192)
        sync(file)
        count += 1
    os.close(file)
    path.unlink()
    return count / (time.monotonic() - began)
