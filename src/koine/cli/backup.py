"""`koine backup`: write an archive, or verify one."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated

import typer

from koine.cli import options
from koine.cli.errors import CommandError, exit_with
from koine.cli.runtime import run_until_done
from koine.kit.settings import Settings
from koine.server.backup.create import back_up
from koine.server.backup.manifest import BadArchive, Manifest
from koine.server.backup.record import record_created, record_verified
from koine.server.backup.tar import scratch_folder
from koine.server.backup.verify import verify as verified
from koine.store.backup import BackupError, NotVerified

EXIT_NOT_VERIFIED = 3
"""The archive was written and kept, but there was no way to verify it."""

Work = Callable[[Path], Coroutine[object, object, tuple[Manifest, list[str]]]]


def backup(
    path: Annotated[
        str, typer.Argument(help="File to write (it ends in .tar), or a folder for a new one.")
    ],
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Only verify the archive PATH.")] = False,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Do not verify that it can be restored.")
    ] = False,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Back up the database and the uploads, and verify the archive. Servers may use them.

    It exits with 0 if the archive was verified or --no-verify was given, 3 if it was written but
    there was no way to verify it, and 1 if there is no archive, or one that differs.

    Example: koine backup /backups
    """
    if verify and no_verify:
        raise CommandError("give --verify or --no-verify, not both")
    settings = options.settings(data, database)
    archive = Path(path) if verify else _create(settings, path)
    if not verify:
        typer.echo(f"{archive}: {archive.stat().st_size / (1 << 20):.1f} MiB")
        _record(record_created(settings, archive))
    if not no_verify:
        try:
            report("can be restored", archive, lambda folder: verified(settings, archive, folder))
        except NotVerified as error:
            if verify:
                raise CommandError(f"{archive}: not verified: {error}") from None
            exit_with(f"{archive}: written, not verified: {error}", EXIT_NOT_VERIFIED)
        _record(record_verified(settings))


def report(outcome: str, path: Path, work: Work) -> None:
    """Run `work` in a temporary folder beside an archive, and print its result.

    Raises CommandError when there is a difference, NotVerified when that could not be found out.
    """
    if not path.is_file():
        raise CommandError(f"there is no archive {path}")
    try:
        with scratch_folder(path) as folder:
            manifest, wrong = run_until_done(work(folder))
    except NotVerified:
        raise
    except (BadArchive, BackupError) as error:
        raise CommandError(f"{path}: {error}") from None
    typer.echo(summary(manifest))
    if wrong:
        raise CommandError("\n  ".join([f"{path}: {len(wrong)} differences", *wrong[:20]]))
    typer.echo(f"every count and every conversation is as it was: it {outcome}")


def summary(manifest: Manifest) -> str:
    """The content of an archive, for people to read."""
    stats = manifest.stats
    rows = ", ".join(f"{name} {count}" for name, count in stats.tables.items() if count)
    uploads = len(manifest.members) - 1
    lines = [
        f"made {manifest.created_at} by Koine {manifest.koine}, {manifest.kind}, at {stats.schema}",
        f"newest event {stats.position}, uploads {uploads}",
        f"rows: {rows or 'none'}",
    ]
    if manifest.deleted:
        lines.append(f"uploads deleted while it was made: {len(manifest.deleted)}")
    return "\n".join(lines)


def _record(work: Coroutine[object, object, str]) -> None:
    """Write into the database what was done; the archive is good also where that fails."""
    if reason := run_until_done(work):
        typer.echo(f"koine: the time could not be written into the database: {reason}", err=True)


def _create(settings: Settings, target: str) -> Path:
    try:
        return run_until_done(back_up(settings, target))
    except BackupError as error:
        raise CommandError(str(error)) from None
