"""`koine doctor`: check everything that a server needs, and print advice."""

import os
from pathlib import Path
from typing import Annotated

import typer

from koine.cli import options, output
from koine.cli.diagnostics import diagnose_database
from koine.cli.errors import EXIT_FAILED
from koine.cli.runtime import run_until_done
from koine.kit.backup_settings import is_s3
from koine.kit.settings import BadSetting, Settings
from koine.server.operator_checks import check_service
from koine.server.preflight import Finding, check_files, check_secret_key, check_settings

SIGNS = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}


def doctor(
    *,
    backups: Annotated[
        Path | None,
        typer.Option("--backups", help="Check this folder of backups, too, or KOINE_BACKUP_TO."),
    ] = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Check settings, database, disk, rights and versions. It exits with 1 if there is a problem.

    Example: koine doctor --backups /var/backups/koine
    """
    try:
        settings = options.settings(data, database)
    except BadSetting as error:
        findings = [Finding("problem", "settings", str(error), "see docs/running.md")]
    else:
        findings = run_until_done(diagnose(settings, backups or _scheduled_folder(settings)))
    if as_json:
        output.print_json(findings)
    else:
        for each in findings:
            typer.echo(f"{SIGNS[each.level]}  {each.about}: {each.found}")
            if each.advice:
                typer.echo(f"         -> {each.advice}")
    if any(each.level == "problem" for each in findings):
        raise typer.Exit(EXIT_FAILED)


def _scheduled_folder(settings: Settings) -> Path | None:
    """The folder of scheduled backups; None for none, or an S3 store."""
    place = settings.backup_to
    return Path(place) if place and not is_s3(place) else None


async def diagnose(settings: Settings, backups: Path | None = None) -> list[Finding]:
    """Everything that is checked, also what is fine."""
    return [
        *check_settings(os.environ, settings),
        check_secret_key(settings),
        *check_files(settings),
        *check_service(os.environ, settings),
        *await diagnose_database(settings, backups),
    ]
