"""How a server is, read from its database and its data folder: also while no process serves."""

import shutil
from pathlib import Path

from msgspec import Struct, structs

from koine import __version__
from koine.kit.amounts import counted, duration
from koine.kit.clock import SystemClock
from koine.kit.settings import Settings
from koine.kit.times import SECOND, iso_ms
from koine.model.errors import Unavailable
from koine.server import process_records
from koine.server.backup import lease as backup_lease
from koine.server.backup import record as backup_record
from koine.server.backup.lease import BackupLease
from koine.server.backup.record import BackupRecord
from koine.server.database import (
    StartupError,
    database_name,
    is_postgres,
    open_database,
    sqlite_path,
)
from koine.server.preflight import Finding
from koine.server.process_records import ProcessRecord
from koine.store import schema, server_counts
from koine.store.core.db import Database
from koine.store.server_counts import FailingEndpoint, ServerCounts

FAILING_SHOWN = 5


class DatabaseStatus(Struct, frozen=True, kw_only=True):
    """The database: `error` says why it cannot be read, else it is ""; `schema` is the revision of
    its tables ("" for none), `known_schema` that of this program."""

    kind: str
    name: str
    error: str = ""
    size_bytes: int = 0
    schema: str = ""
    known_schema: str = ""


class ProcessStatus(Struct, frozen=True, kw_only=True):
    """One process: `serves` if its record is fresh, and it is not known to have ended. `failing`
    names the checks of /readyz that do not pass, `seen_seconds` is the age of its record."""

    node: str
    pid: int
    url: str
    version: str
    serves: bool
    failing: list[str]
    uptime_seconds: float
    seen_seconds: float
    streams: int
    sends_per_second: float
    event_lag_seconds: float


class WebhookStatus(Struct, frozen=True, kw_only=True):
    """The webhooks of all tenants: `pending` deliveries with the age of the oldest, for how long
    the one that is due longest has been due, endpoints by state, and some that fail."""

    pending: int
    oldest_seconds: float
    overdue_seconds: float
    endpoints: dict[str, int]
    failing: list[FailingEndpoint]


class BackupStatus(Struct, frozen=True, kw_only=True):
    """The last backup and the last verification; ages in seconds, None for never. Of scheduled
    ones (`schedule`, "" for none) the node that makes one now, and how many failed since the last
    good one, when and why the last of them did."""

    file: str
    size_bytes: int
    created_at: str | None
    age_seconds: float | None
    verified_at: str | None
    verified_seconds: float | None
    schedule: str = ""
    running_on: str | None = None
    failures: int = 0
    failed_seconds: float | None = None
    error: str = ""


class DiskStatus(Struct, frozen=True):
    """The file system of the data folder, in bytes."""

    folder: str
    free_bytes: int
    total_bytes: int


class ServerStatus(Struct, frozen=True, kw_only=True):
    """A server at one moment. Streams and sends are those of all processes that serve, the lag is
    the greatest. What needs the database is None without it."""

    at: str
    summary: str
    version: str
    serving: bool
    database: DatabaseStatus
    processes: list[ProcessStatus] = []
    streams: int = 0
    sends_per_second: float = 0.0
    event_lag_seconds: float = 0.0
    webhooks: WebhookStatus | None = None
    tenants: int | None = None
    upload_bytes: int | None = None
    backup: BackupStatus | None = None
    disk: DiskStatus | None = None
    problems: list[Finding] = []


class _Known(Struct, frozen=True, kw_only=True):
    """What the database says."""

    database: DatabaseStatus
    records: list[ProcessRecord] = []
    counts: ServerCounts | None = None
    failing: list[FailingEndpoint] = []
    backup: BackupRecord | None = None
    lease: BackupLease = BackupLease()


async def read_status(settings: Settings, problems: list[Finding]) -> ServerStatus:
    """How the server of these settings is now; `problems` are findings of `koine doctor`. Creates
    nothing, and raises nothing for a database that cannot be read."""
    now = SystemClock().now()
    known = await _ask_database(settings, now)
    processes = [_process(each, now) for each in known.records]
    serving = [each for each in processes if each.serves]
    return ServerStatus(
        at=iso_ms(now),
        summary=_summary(known.database, processes),
        version=__version__,
        serving=bool(serving),
        database=known.database,
        processes=processes,
        streams=sum(each.streams for each in serving),
        sends_per_second=round(sum(each.sends_per_second for each in serving), 1),
        event_lag_seconds=max((each.event_lag_seconds for each in serving), default=0.0),
        webhooks=_webhooks(known.counts, known.failing, now),
        tenants=known.counts.tenants if known.counts else None,
        upload_bytes=known.counts.upload_bytes if known.counts else None,
        backup=_backup(known.backup, known.lease, settings.backup_schedule, now),
        disk=_disk(settings),
        problems=problems,
    )


async def _ask_database(settings: Settings, now: int) -> _Known:
    kind = "postgres" if is_postgres(settings) else "sqlite"
    base = DatabaseStatus(kind=kind, name=database_name(settings), known_schema=schema.head())
    if kind == "sqlite" and not sqlite_path(settings).exists():
        return _without(base, "there is no database yet")
    try:
        db = await open_database(settings)
    except StartupError as error:
        return _without(base, str(error))
    try:
        return await _ask(db, base, now)
    except Unavailable:
        return _without(base, "it does not answer")
    finally:
        await db.close()


async def _ask(db: Database, base: DatabaseStatus, now: int) -> _Known:
    found = DatabaseStatus(
        kind=base.kind,
        name=base.name,
        known_schema=base.known_schema,
        schema=await db.version() or "",
        size_bytes=await db.size_bytes(),
    )
    try:
        await schema.check(db)
    except schema.WrongSchema as error:
        return _without(found, str(error))
    return _Known(
        database=found,
        records=await db.read("", process_records.list_all),
        counts=await db.read_long("", server_counts.count, now),
        failing=await db.read("", server_counts.failing_endpoints, FAILING_SHOWN),
        backup=await db.read("", backup_record.get),
        lease=await db.read("", backup_lease.get),
    )


def _without(base: DatabaseStatus, error: str) -> _Known:
    return _Known(database=structs.replace(base, error=error))


def _summary(database: DatabaseStatus, processes: list[ProcessStatus]) -> str:
    """One sentence: whether anything serves."""
    if database.error:
        return f"the database cannot be read: {database.error}"
    serving = [each for each in processes if each.serves]
    if serving:
        nodes = len({each.node for each in serving})
        unready = sum(bool(each.failing) for each in serving)
        said = counted(len(serving), "process serves", "processes serve")
        said += f" on {counted(nodes, 'node')}"
        return f"{said}, {unready} of them not ready" if unready else said
    if processes:
        last = min(each.seen_seconds for each in processes)
        return f"no process serves; the last one was seen {duration(last)} ago"
    return "no process serves; this is what the database alone knows"


def _process(record: ProcessRecord, now: int) -> ProcessStatus:
    return ProcessStatus(
        node=record.node,
        pid=record.pid,
        url=record.url,
        version=record.version,
        serves=record.serves(now),
        failing=record.failing,
        uptime_seconds=_age(record.started_at, now),
        seen_seconds=_age(record.seen_at, now),
        streams=record.streams,
        sends_per_second=record.sends_per_second,
        event_lag_seconds=record.event_lag_seconds,
    )


def _webhooks(
    counts: ServerCounts | None, failing: list[FailingEndpoint], now: int
) -> WebhookStatus | None:
    if counts is None:
        return None
    return WebhookStatus(
        pending=counts.deliveries_pending,
        oldest_seconds=_age(counts.oldest_delivery_at, now),
        overdue_seconds=_age(counts.longest_due_at, now),
        endpoints=counts.endpoints,
        failing=failing,
    )


def _backup(
    record: BackupRecord | None, lease: BackupLease, schedule: str, now: int
) -> BackupStatus | None:
    if record is None:
        return None
    created, verified = record.created_at, record.verified_at
    return BackupStatus(
        file=record.file,
        size_bytes=record.bytes,
        created_at=None if created is None else iso_ms(created),
        age_seconds=None if created is None else _age(created, now),
        verified_at=None if verified is None else iso_ms(verified),
        verified_seconds=None if verified is None else _age(verified, now),
        schedule=schedule,
        running_on=lease.node if lease.is_held(now) else None,
        failures=lease.failures,
        failed_seconds=None if lease.failed_at is None else _age(lease.failed_at, now),
        error=lease.error,
    )


def _disk(settings: Settings) -> DiskStatus | None:
    folder = Path(settings.data_dir)
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return DiskStatus(str(folder), usage.free, usage.total)


def _age(then: int | None, now: int) -> float:
    """Seconds from `then` to `now` (both µs), 0 without `then`."""
    return 0.0 if then is None else round(max(now - then, 0) / SECOND, 1)
