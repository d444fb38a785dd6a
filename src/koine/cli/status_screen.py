"""The status of a server as lines of text: a heading and what is found, for people to read."""

from collections.abc import Iterator

from msgspec import Struct

from koine.kit.amounts import counted, duration, size
from koine.kit.times import SECOND, iso_ms
from koine.server.process_records import LATE_SECONDS
from koine.server.status import ProcessStatus, ServerStatus, WebhookStatus

_KINDS = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


class Line(Struct, frozen=True):
    """One line: its heading ("" below another line of the same), its text, and whether it needs
    attention."""

    heading: str
    text: str
    alarming: bool = False


def lines(status: ServerStatus) -> list[Line]:
    """The screen."""
    return [
        Line("koine", f"{status.version}, {status.at}"),
        Line("state", status.summary, not status.serving),
        *_database(status),
        *_processes(status),
        *_traffic(status),
        *_webhooks(status.webhooks),
        *_backup(status),
        *_disk(status),
        *_problems(status),
    ]


def plain(status: ServerStatus) -> str:
    """The screen as plain text."""
    return "\n".join(f"{each.heading:<10} {each.text}".rstrip() for each in lines(status))


def _database(status: ServerStatus) -> Iterator[Line]:
    database = status.database
    text = f"{_KINDS[database.kind]}, {database.name}"
    if database.error and not database.schema:
        yield Line("database", f"{text}: {database.error}", True)
        return
    behind = (
        ""
        if database.schema == database.known_schema
        else (f" (this program knows {database.known_schema})")
    )
    text += f", {size(database.size_bytes)}, schema {database.schema}{behind}"
    yield Line("database", text, bool(behind))
    if database.error:
        yield Line("", database.error, True)
    if status.tenants is not None:
        yield Line("tenants", str(status.tenants))


def _processes(status: ServerStatus) -> Iterator[Line]:
    for n, each in enumerate(status.processes):
        yield Line("processes" if n == 0 else "", _process(each), not _is_fine(each))


def _is_fine(process: ProcessStatus) -> bool:
    return process.serves and not process.failing and process.seen_seconds <= LATE_SECONDS


def _process(process: ProcessStatus) -> str:
    where = f"{process.node} pid {process.pid} {process.url} ({process.version})"
    if not process.serves:
        return f"{where}: gone, last seen {duration(process.seen_seconds)} ago"
    state = f"not ready: {', '.join(process.failing)}" if process.failing else "ready"
    if process.seen_seconds > LATE_SECONDS:
        state += f" when last seen, {duration(process.seen_seconds)} ago"
    return (
        f"{where}: {state}, up {duration(process.uptime_seconds)}, "
        f"{counted(process.streams, 'stream')}, {process.sends_per_second:.1f} sends/s"
    )


def _traffic(status: ServerStatus) -> Iterator[Line]:
    if status.serving:
        yield Line("streams", f"{status.streams} open")
        yield Line("sends", f"{status.sends_per_second:.1f} a second")
        lag = status.event_lag_seconds
        yield Line("events", f"lag {duration(lag)}", lag > 10)


def _webhooks(webhooks: WebhookStatus | None) -> Iterator[Line]:
    if webhooks is None:
        return
    text = f"{webhooks.pending} pending"
    if webhooks.pending:
        text += f", the oldest {duration(webhooks.oldest_seconds)}"
    if webhooks.overdue_seconds:
        text += f", overdue by {duration(webhooks.overdue_seconds)}"
    yield Line("webhooks", text, webhooks.overdue_seconds > 60)
    states = ", ".join(f"{number} {state}" for state, number in webhooks.endpoints.items())
    yield Line("endpoints", states, bool(webhooks.endpoints.get("failing")))
    for each in webhooks.failing:
        since = "" if each.failing_since is None else f" since {_time(each.failing_since)}"
        yield Line(
            "",
            f"failing: {each.name} of {each.tenant}, {counted(each.failures, 'time')}{since}",
            True,
        )


def _backup(status: ServerStatus) -> Iterator[Line]:
    backup = status.backup
    if backup is None:
        return
    if backup.age_seconds is None:
        yield Line("backup", "never: koine backup FOLDER", True)
    else:
        made = f"{backup.file}, {size(backup.size_bytes)}, {duration(backup.age_seconds)} ago"
        yield Line("backup", made, backup.age_seconds > 2 * 86_400)
    if backup.verified_seconds is not None:
        yield Line("", f"verified {duration(backup.verified_seconds)} ago")
    elif backup.age_seconds is not None:
        yield Line("", "never verified", True)
    if backup.schedule:
        yield Line("", f"scheduled: {backup.schedule}")
    if backup.running_on is not None:
        yield Line("", f"one is being made on {backup.running_on}")
    if backup.failures:
        ago = duration(backup.failed_seconds or 0)
        yield Line("", f"{backup.failures} failed, the last {ago} ago: {backup.error}", True)


def _disk(status: ServerStatus) -> Iterator[Line]:
    disk = status.disk
    if disk is not None:
        share = disk.free_bytes / max(disk.total_bytes, 1)
        text = f"{size(disk.free_bytes)} ({share:.0%}) free in {disk.folder}"
        if status.upload_bytes is not None:
            text += f", uploads {size(status.upload_bytes)}"
        yield Line("disk", text, share < 0.05)


def _problems(status: ServerStatus) -> Iterator[Line]:
    found = [each for each in status.problems if each.level != "ok"]
    for n, each in enumerate(found):
        text = f"{each.level} {each.about}: {each.found}"
        yield Line("problems" if n == 0 else "", text, each.level == "problem")
    if not found:
        yield Line("problems", "none")


def _time(us: int) -> str:
    return iso_ms(us - us % SECOND).replace(".000Z", "Z")
