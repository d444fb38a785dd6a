"""`koine backup`: write a backup, verify one, list those there are, remove old ones."""

from typing import Annotated

import typer
from msgspec import Struct

from koine.cli import options, output
from koine.cli.errors import EXIT_USAGE, CommandError, exit_with
from koine.cli.runtime import run_until_done
from koine.kit.amounts import duration, size
from koine.kit.backup_rules import BackupRetention, BadRule, parse_retention
from koine.kit.clock import SystemClock
from koine.kit.settings import Settings, variable
from koine.kit.times import SECOND
from koine.server.backup import prune
from koine.server.backup.catalog import StoredBackup, list_backups
from koine.server.backup.place import local_backup, open_place
from koine.server.backup.record import record_verified
from koine.server.backup.run import Reports, outcome, run_backup, summary, verify_place
from koine.server.backup.server_id import server_id
from koine.store.backup import BackupError, NotVerified

EXIT_NOT_VERIFIED = 3
"""The backup was written and kept, but there was no way to verify it."""
NO_PLACE = f"say where: a path, s3://bucket/prefix, or {variable('backup_to')}"
Place = Annotated[
    str | None,
    typer.Argument(
        help="File to write (it ends in .tar), or a folder for a new one; in an S3 store "
        "s3://bucket/prefix. Without it: KOINE_BACKUP_TO.",
    ),
]
To = Annotated[str | None, typer.Option("--to", metavar="PATH", help="The same as PATH.")]
Verify = Annotated[bool, typer.Option("--verify", help="Only verify the backup PATH.")]
NoVerify = Annotated[
    bool, typer.Option("--no-verify", help="Do not verify that it can be restored.")
]
Keep = Annotated[
    str | None,
    typer.Option(
        metavar="7d,4w,6m",
        help="Afterwards remove older backups of this server there, but those of so many hours, "
        "days, weeks, months, years (h, d, w, m, y).",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Make nothing; print what --keep would remove.")
]
Listed = Annotated[bool, typer.Option("--list", help="Only list the backups there.")]


class ListedBackup(Struct, frozen=True, kw_only=True):
    """One backup of a list. `ours`: it is of the server whose database the settings name; None
    where that has no id, or cannot be reached. Of a damaged one only name and size are known."""

    backup: str
    size_bytes: int
    created_at: str | None
    age_seconds: float | None
    verified_at: str | None
    koine: str | None
    kind: str | None
    ours: bool | None
    damaged: bool


class PrunedBackup(Struct, frozen=True):
    """What --dry-run says of one backup; `why` it is kept, "" for one that would be removed."""

    backup: str
    action: str
    why: str


def backup(
    path: Place = None,
    *,
    to: To = None,
    verify: Verify = False,
    no_verify: NoVerify = False,
    keep: Keep = None,
    dry_run: DryRun = False,
    listed: Listed = False,
    as_json: options.Json = False,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Back up the database and the uploads, and verify the backup. Servers may use them.

    It exits with 0 if the backup was verified or --no-verify was given, 3 if it was written but
    there was no way to verify it, and 1 if there is no backup, or one that differs.

    Example: koine backup /backups --keep 7d,4w,6m
    """
    _check_options(verify=verify, no_verify=no_verify, keep=keep, dry_run=dry_run, listed=listed)
    settings = options.settings(data, database)
    place, retention = _place_and_retention(settings, path, to, keep)
    if no_verify:
        retention = None
    try:
        if listed:
            _print_list(settings, place, as_json=as_json)
        elif dry_run:
            _print_plan(settings, place, retention, as_json=as_json)
        elif verify:
            _verify(settings, place, as_json=as_json)
        else:
            _make(settings, place, retention, verified=not no_verify, as_json=as_json)
    except NotVerified as error:
        exit_with(str(error), EXIT_NOT_VERIFIED)
    except BackupError as error:
        raise CommandError(str(error)) from None


def _check_options(
    *, verify: bool, no_verify: bool, keep: str | None, dry_run: bool, listed: bool
) -> None:
    """Raises CommandError for options of which one makes another meaningless."""
    if verify and no_verify:
        raise CommandError("give --verify or --no-verify, not both")
    if keep is not None and no_verify:
        raise CommandError("--keep removes nothing before a backup was verified: leave --no-verify")
    if keep is not None and (verify or listed):
        raise CommandError("--keep belongs to a new backup: leave --verify and --list")
    if listed and (verify or no_verify or dry_run):
        raise CommandError("--list stands alone")
    if dry_run and (verify or no_verify):
        raise CommandError("--dry-run is about --keep: leave --verify and --no-verify")


def _place_and_retention(
    settings: Settings, path: str | None, to: str | None, keep: str | None
) -> tuple[str, BackupRetention | None]:
    """Where backups go, and which are kept there: KOINE_BACKUP_KEEP is only for KOINE_BACKUP_TO."""
    if path is not None and to is not None:
        exit_with("give PATH or --to, not both", EXIT_USAGE)
    place = path or to or settings.backup_to
    if not place:
        exit_with(NO_PLACE, EXIT_USAGE)
    if keep is not None:
        try:
            return place, parse_retention(keep)
        except BadRule as error:
            exit_with(f"--keep: {error}", EXIT_USAGE)
    return place, settings.retention() if not (path or to) else None


def _make(
    settings: Settings,
    place: str,
    retention: BackupRetention | None,
    *,
    verified: bool,
    as_json: bool,
) -> None:
    reports = Reports(warned=_warn) if as_json else Reports(done=typer.echo, warned=_warn)
    made = run_until_done(
        run_backup(settings, place, verified=verified, retention=retention, reports=reports)
    )
    if as_json:
        output.print_json(made)


def _verify(settings: Settings, place: str, *, as_json: bool) -> None:
    try:
        with local_backup(settings, place) as (path, folder):
            manifest = run_until_done(verify_place(settings, place, path, folder))
    except BackupError as error:
        raise CommandError(f"{place}: {error}") from None
    if as_json:
        output.print_json({"backup": place, "verified": True})
    else:
        typer.echo(summary(manifest))
        typer.echo(outcome("can be restored"))
    if reason := run_until_done(record_verified(settings)):
        _warn(f"the time could not be written into the database: {reason}")


def _print_list(settings: Settings, place: str, *, as_json: bool) -> None:
    target, _ = open_place(settings, place)
    server = run_until_done(server_id(settings, make=False))
    now = SystemClock().now()
    rows = [_listed(each, server, now) for each in list_backups(target)]
    if as_json:
        output.print_json(rows)
        return
    output.print_table(
        ("backup", "size", "age", "verified", "of this server"),
        [
            (
                each.backup,
                size(each.size_bytes),
                "damaged" if each.age_seconds is None else duration(each.age_seconds),
                each.verified_at or "no",
                {True: "yes", False: "no", None: "unknown"}[each.ours],
            )
            for each in rows
        ],
    )


def _listed(backup: StoredBackup, server: str, now: int) -> ListedBackup:
    info = backup.info
    return ListedBackup(
        backup=backup.where,
        size_bytes=backup.size,
        created_at=info.created_at if info else None,
        age_seconds=round((now - backup.created_at) / SECOND, 1) if info else None,
        verified_at=info.verified_at if info else None,
        koine=info.koine if info else None,
        kind=info.kind if info else None,
        ours=info.server == server if info and server else None,
        damaged=info is None,
    )


def _print_plan(
    settings: Settings, place: str, retention: BackupRetention | None, *, as_json: bool
) -> None:
    if retention is None:
        raise CommandError(f"say what is kept: --keep, or {variable('backup_keep')}")
    target, name = open_place(settings, place)
    if name:
        raise CommandError(f"{place} is a backup: name its folder")
    found = list_backups(target)
    server, now = run_until_done(server_id(settings, make=False)), SystemClock().now()
    found_plan = prune.plan(retention, server, now, found)
    rows = [PrunedBackup(each.where, "keep", why) for each, why in found_plan.kept]
    rows += [PrunedBackup(each.where, "remove", "") for each in found_plan.removed]
    for each in found_plan.untouched:
        why = "made in the future" if prune.is_ours(each, server) else "not ours"
        rows.append(PrunedBackup(each.where, "leave", why))
    if as_json:
        output.print_json(rows)
    else:
        output.print_table(
            ("backup", "action", "why"), [(each.backup, each.action, each.why) for each in rows]
        )


def _warn(text: str) -> None:
    typer.echo(f"koine: {text}", err=True)
