"""The checks before the server starts; `koine doctor` prints them.

A `fatal` finding keeps the server from starting, since it could lose or corrupt data that it has
acknowledged; the others are logged. The checks change nothing.
"""

import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import structlog
from msgspec import Struct

from koine.kit import secret_keys
from koine.kit.amounts import size
from koine.kit.backup_settings import is_s3
from koine.kit.lazy_import import LazyModule
from koine.kit.settings import Settings, unknown, variable
from koine.server.backup import s3_target
from koine.server.data_folder import ADVICE, reason_not_writable
from koine.server.database import StartupError, is_postgres, open_database, sqlite_path
from koine.store.backup import BackupError

if TYPE_CHECKING:
    from koine.store.postgres import server_check as postgres
    from koine.store.sqlite import connection as sqlite
else:
    postgres = LazyModule("koine.store.postgres.server_check")
    sqlite = LazyModule("koine.store.sqlite.connection")

_log = structlog.get_logger("koine")

LOW_DISK_SHARE = 0.05
"""Share of the disk below which there is a warning; a tenth of it is a problem."""
SKEW_SECONDS = 5
SLOW_CONNECTION_BYTES = 256 * 1024
"""Bytes a second: a rate that slow connections do not reach."""
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
NETWORK_FILE_SYSTEMS = frozenset(
    (
        "afs", "beegfs", "ceph", "cifs", "coda", "fuse.glusterfs", "fuse.sshfs",
        "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs",
    )
)  # fmt: skip
"""File systems on which locks do not work, or not between machines."""
MOUNTINFO = Path("/proc/self/mountinfo")

Level = Literal["ok", "warning", "problem"]


class Finding(Struct, frozen=True):
    """The result of one check; `advice` says what to do."""

    level: Level
    about: str
    found: str
    advice: str = ""
    fatal: bool = False


def check_machine(settings: Settings) -> None:
    """Check settings and files, and log warnings. Raises StartupError for a fatal finding."""
    raise_fatal([*check_settings(os.environ, settings), *check_files(settings)])


async def check_database_before_start(settings: Settings) -> None:
    """As `check_machine`, of the database, which is waited for as the settings say. Raises
    StartupError, also when it cannot be opened."""
    if is_postgres(settings):
        opened = await open_database(settings, wait_seconds=settings.database_wait_seconds)
        await opened.close()
    raise_fatal(await check_database(settings))


def raise_fatal(findings: Iterable[Finding]) -> None:
    """Log the warnings among the findings. Raises StartupError for a fatal one."""
    for each in findings:
        if each.fatal:
            raise StartupError(f"{each.found}: {each.advice}")
        if each.level != "ok":
            _log.warning(
                "a preflight check found a problem",
                check=each.about,
                found=each.found,
                advice=each.advice,
            )


def check_settings(env: Mapping[str, str], settings: Settings) -> Iterator[Finding]:
    """Settings that are misspelt, contradict each other, or expose the server too much."""
    misspelt = unknown(env)
    if misspelt:
        names = ", ".join(misspelt)
        yield Finding("problem", "settings", f"unknown: {names}", "see docs/running.md for names")
    elif env:
        yield Finding("ok", "settings", "every KOINE_ variable is known")
    if settings.workers > 1 and not is_postgres(settings):
        found = "several workers need PostgreSQL, a SQLite file is served by one process"
        advice = "use --workers 1 or --database postgresql://…"
        yield Finding("problem", "workers", found, advice, fatal=True)
    yield from _check_upload_budgets(settings)
    yield from _check_limits(settings)
    yield from _check_backups(settings)
    if settings.host in LOOPBACK_HOSTS:
        return
    if not settings.base_url.startswith("https://"):
        found = f"{settings.host} is reachable from outside, and no https:// URL is set"
        advice = "set KOINE_BASE_URL to the https URL of the reverse proxy"
        yield Finding("warning", "host", found, advice)
    if settings.demo:
        found = f"the demonstration's keys open a server that listens on {settings.host}"
        advice = "serve it on 127.0.0.1, or without --demo and with an empty database"
        yield Finding("warning", "demo", found, advice)


def _check_upload_budgets(settings: Settings) -> Iterator[Finding]:
    """Budgets that are less than the largest upload."""
    for name in ("contact", "inbox", "tenant"):
        setting = f"upload_budget_per_{name}"
        if 0 < getattr(settings, setting) < settings.upload_limit:
            found = f"{variable(setting)} is less than {variable('upload_limit')}"
            advice = "the largest uploads are always refused: raise the one or lower the other"
            yield Finding("warning", "uploads", found, advice)


def _check_backups(settings: Settings) -> Iterator[Finding]:
    """Whether scheduled backups can reach their store, and are removed some day."""
    if is_s3(settings.backup_to):
        if not s3_target.is_installed():
            advice = "pip install the wheel with [s3]: see docs/backups.md"
            yield Finding("problem", "backups", "the library for S3 is not installed", advice)
        try:
            s3_target.credentials(settings)
        except BackupError as error:
            yield Finding("problem", "backups", str(error), f"{settings.backup_to} needs it")
    if settings.backup_schedule and not settings.backup_keep:
        advice = "set KOINE_BACKUP_KEEP, such as 7d,4w,6m"
        yield Finding("warning", "backups", "scheduled backups are never removed", advice)


def check_secret_key(settings: Settings) -> Finding:
    """Whether the key that encrypts secrets is outside of the database and its backups."""
    if settings.secret_keys()[:1] not in ((), (secret_keys.STORED,)):
        return Finding("ok", "secrets", "the key that encrypts secrets is not in the database")
    found = "the key that signs tokens and encrypts secrets is in the database with them"
    advice = "set KOINE_SECRET_KEY, then `koine secrets rotate`; see docs/secrets.md"
    return Finding("warning", "secrets", found, advice)


def _check_limits(settings: Settings) -> Iterator[Finding]:
    """Limits that would refuse clients they are not meant for."""
    if settings.base_url and not settings.trusted_proxies:
        found = (
            "KOINE_BASE_URL is set and KOINE_TRUSTED_PROXIES is not: "
            "behind a proxy all clients count as one address"
        )
        advice = "set KOINE_TRUSTED_PROXIES to the proxy's address, unless clients connect directly"
        yield Finding("warning", "proxies", found, advice)
    pace = settings.upload_limit // settings.body_max_seconds
    if pace > SLOW_CONNECTION_BYTES:
        found = f"an upload of the largest size must come at {size(pace)} a second"
        advice = "raise KOINE_BODY_MAX_SECONDS, or lower KOINE_UPLOAD_LIMIT"
        yield Finding("warning", "limits", found, advice)
    streams = settings.streams_per_address or settings.streams_per_credential
    if 0 < settings.connections_per_address < streams:
        found = "an address may have fewer connections than streams"
        advice = "raise KOINE_CONNECTIONS_PER_ADDRESS above KOINE_STREAMS_PER_ADDRESS"
        yield Finding("warning", "limits", found, advice)


def check_files(settings: Settings) -> Iterator[Finding]:
    """Disk space, and who may read the files."""
    folder = Path(settings.data_dir)
    if why := reason_not_writable(folder):
        found = f"the data folder cannot be written ({why})"
        yield Finding("problem", "files", found, ADVICE, fatal=True)
        return
    if not folder.exists():
        yield Finding("ok", "files", f"{folder} does not exist yet and will be created")
        return
    usage = shutil.disk_usage(folder)
    share = usage.free / usage.total
    level: Level = (
        "ok" if share > LOW_DISK_SHARE else "warning" if share > LOW_DISK_SHARE / 10 else "problem"
    )
    advice = "" if level == "ok" else "free some space: on a full disk nothing can be saved"
    found = f"{size(usage.free)} ({share:.0%}) free in {folder}"
    yield Finding(level, "disk", found, advice)
    for file in (sqlite_path(settings), folder / "demo.json"):
        if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
            yield Finding("problem", "files", f"others may read {file}", f"chmod 600 {file}")
    uploads = folder / "files"
    if uploads.exists() and stat.S_IMODE(uploads.stat().st_mode) & 0o077:
        yield Finding("problem", "files", f"others may read {uploads}", f"chmod 700 {uploads}")


async def check_database(settings: Settings) -> list[Finding]:
    """The database's version, and whether it keeps what it has committed."""
    if not is_postgres(settings):
        return list(_sqlite(sqlite_path(settings)))
    try:
        return list(_postgres(await postgres.check_server(settings.database_url), settings))
    except Exception as error:
        # Opening the database comes next, and its error is the better one.
        return [Finding("problem", "database", f"cannot be checked: {type(error).__name__}")]


def file_system_type(path: Path, mounts: str) -> str:
    """The type of the file system that holds `path`, "" if unknown. `mounts` is in the form of
    /proc/self/mountinfo."""
    best, kind = "", ""
    for line in mounts.splitlines():
        mount, _, source = line.partition(" - ")
        point = mount.split(" ")[4].replace("\\040", " ")
        if path.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, source.split(" ")[0]
    return kind


def _sqlite(path: Path) -> Iterator[Finding]:
    version = sqlite.version()
    if sqlite.is_unsupported():
        advice = "3.51.3 or newer is needed: older ones can corrupt the file (the WAL-reset bug)"
        yield Finding("problem", "version", f"SQLite {version} is too old", advice, fatal=True)
    else:
        yield Finding("ok", "version", f"SQLite {version}")
    kind = file_system_type(path.resolve(), MOUNTINFO.read_text()) if MOUNTINFO.exists() else ""
    if kind in NETWORK_FILE_SYSTEMS:
        advice = "put the data folder on a local disk, or use PostgreSQL"
        found = f"{path} is on a network file system ({kind}), whose locks SQLite cannot trust"
        yield Finding("problem", "files", found, advice, fatal=True)


def _postgres(known: "postgres.ServerSettings", settings: Settings) -> Iterator[Finding]:
    yield Finding("ok", "version", f"PostgreSQL {known.version}")
    allowed = settings.unsafe_database
    for name in known.disabled:
        advice = f"set {name} = on: without it a power cut loses committed data"
        if not allowed:
            advice += " (KOINE_UNSAFE_DATABASE=true serves all the same)"
        level: Level = "warning" if allowed else "problem"
        yield Finding(level, "durability", f"{name} is off", advice, fatal=not allowed)
    skewed = known.clock_skew >= SKEW_SECONDS
    advice = "synchronise the clocks of both machines (NTP)" if skewed else ""
    found = f"{known.clock_skew:.1f} s between the database server's and ours"
    yield Finding("warning" if skewed else "ok", "clock", found, advice)
