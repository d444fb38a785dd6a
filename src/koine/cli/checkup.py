"""What `koine doctor` looks at. Each check gives findings; none of them changes anything."""

import os
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import apsw
import asyncpg
from msgspec import Struct

from koine.kit.settings import Settings, unknown
from koine.main.opening import (
    CannotStart,
    database_name,
    is_postgres,
    open_database,
    sqlite_path,
)
from koine.store import schema
from koine.store.schema import WrongSchema

LITTLE = 1 << 30
"""Bytes of free disk below which there is a warning; a tenth of it is a problem."""
SKEW_SECONDS = 5
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")

Level = Literal["ok", "warning", "problem"]


class Finding(Struct, frozen=True):
    """One thing that was looked at; `advice` says what to do about it."""

    level: Level
    about: str
    found: str
    advice: str = ""


def examine_settings(env: Mapping[str, str], settings: Settings) -> Iterator[Finding]:
    """Settings that are misspelt, or that open the server wider than it should be."""
    misspelt = unknown(env)
    if misspelt:
        names = ", ".join(misspelt)
        yield Finding("problem", "settings", f"unknown: {names}", "see docs/running.md for names")
    else:
        yield Finding("ok", "settings", "every KOINE_ variable is known")
    if settings.workers > 1 and not is_postgres(settings):
        advice = "use one worker, or PostgreSQL (KOINE_DATABASE_URL)"
        yield Finding("problem", "workers", "a SQLite file is served by one process", advice)
    if settings.host not in ("127.0.0.1", "localhost", "::1") and not settings.base_url:
        advice = "set KOINE_BASE_URL to the https URL of the reverse proxy"
        yield Finding("warning", "host", f"{settings.host} is reachable from outside", advice)


def examine_files(settings: Settings) -> Iterator[Finding]:
    """Disk space and who may read the files."""
    folder = Path(settings.data_dir)
    if not folder.exists():
        yield Finding("ok", "files", f"{folder} is not there yet, it will be made")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        advice = "give it to the user that runs koine"
        yield Finding("problem", "files", f"{folder} cannot be written", advice)
    free = shutil.disk_usage(folder).free
    level: Level = "ok" if free > LITTLE else "warning" if free > LITTLE // 10 else "problem"
    advice = "" if level == "ok" else "make room: without it nothing can be saved"
    yield Finding(level, "disk", f"{free / (1 << 30):.1f} GiB free in {folder}", advice)
    for file in (sqlite_path(settings), folder / "demo.json"):
        if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
            yield Finding("problem", "files", f"others may read {file}", f"chmod 600 {file}")


async def examine_database(settings: Settings) -> list[Finding]:
    """Whether it answers, how old it and its tables are."""
    if not is_postgres(settings) and not sqlite_path(settings).exists():
        where = database_name(settings)
        return [Finding("ok", "database", f"{where} is not there yet, it will be made")]
    try:
        db = await open_database(settings)
    except CannotStart as error:
        return [Finding("problem", "database", str(error), "see KOINE_DATABASE_URL")]
    try:
        size = await db.size_bytes() / (1 << 20)
        found = [Finding("ok", "database", f"{database_name(settings)} answers, {size:.1f} MiB")]
        try:
            await schema.check(db)
            found.append(Finding("ok", "tables", f"at {await db.version()}"))
        except WrongSchema as error:
            found.append(Finding("problem", "tables", str(error), "koine migrate"))
    finally:
        await db.close()
    found += await _postgres(settings) if is_postgres(settings) else _sqlite()
    return found


def _sqlite() -> list[Finding]:
    return [Finding("ok", "version", f"SQLite {apsw.sqlite_lib_version()}")]


async def _postgres(settings: Settings) -> list[Finding]:
    connection = await asyncpg.connect(settings.database_url, timeout=5)
    try:
        version = await connection.fetchval("SHOW server_version")
        found = [Finding("ok", "version", f"PostgreSQL {version}")]
        for name in DURABLE:
            if await connection.fetchval(f"SHOW {name}") == "off":
                advice = f"set {name} = on: without it a power cut loses what was acknowledged"
                found.append(Finding("problem", "durability", f"{name} is off", advice))
        theirs = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
        skew = abs(theirs - time.time())
        level: Level = "ok" if skew < SKEW_SECONDS else "problem"
        advice = "" if level == "ok" else "let both machines ask a time server (NTP)"
        found.append(Finding(level, "clock", f"{skew:.1f} s between the server's and ours", advice))
        return found
    finally:
        await connection.close()
