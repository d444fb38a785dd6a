"""`koine doctor`: look at everything a server needs, and say what to do."""

import os

import typer

from koine.cli import options, printing
from koine.cli.checkup import examine_database
from koine.cli.failing import REFUSED
from koine.cli.running import finish
from koine.kit.settings import BadSetting, Settings
from koine.main.conditions import Finding, of_files, of_secrets, of_settings

SIGNS = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}


def doctor(
    data: options.Data = None, database: options.Database = None, as_json: options.Json = False
) -> None:
    """Check settings, database, disk and versions; exit code 1 when there is a problem."""
    try:
        settings = options.settings(data, database)
    except BadSetting as error:
        findings = [Finding("problem", "settings", str(error), "see docs/running.md")]
    else:
        findings = finish(_examine(settings))
    if as_json:
        printing.json(findings)
    else:
        for each in findings:
            typer.echo(f"{SIGNS[each.level]}  {each.about}: {each.found}")
            if each.advice:
                typer.echo(f"         -> {each.advice}")
    if any(each.level == "problem" for each in findings):
        raise typer.Exit(REFUSED)


async def _examine(settings: Settings) -> list[Finding]:
    return [
        *of_settings(os.environ, settings),
        of_secrets(settings),
        *of_files(settings),
        *await examine_database(settings),
    ]
