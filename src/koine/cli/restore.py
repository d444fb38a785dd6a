"""`koine restore`: replace a database that no server serves by a backup."""

from pathlib import Path
from typing import Annotated

import typer

from koine.cli import options
from koine.cli.errors import CommandError
from koine.cli.runtime import run_until_done
from koine.engine.personal_data import erased_list
from koine.kit.settings import Settings
from koine.server.backup.manifest import BadBackup
from koine.server.backup.place import local_backup
from koine.server.backup.restore import restore as restored
from koine.server.backup.run import differ, outcome, summary
from koine.store.backup import BackupError


def restore(
    path: Annotated[str, typer.Argument(help="The backup, also s3://bucket/prefix/NAME.tar.")],
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Even if there is something in the database.")
    ] = False,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Restore the database and the uploads from a backup. The result is verified.

    Stop the server first, on every node: it is refused while one uses the database.

    Example: koine restore /backups/before.tar
    """
    settings = options.settings(data, database)
    try:
        with local_backup(settings, path) as (file, folder):
            work = restored(settings, file, folder, force=force)
            manifest, wrong = run_until_done(work)
    except (BackupError, BadBackup) as error:
        raise CommandError(f"{path}: {error}") from None
    typer.echo(summary(manifest))
    if wrong:
        raise CommandError(f"{path}: {differ(wrong)}")
    typer.echo(outcome("is restored"))
    say_who_was_erased(settings)


def say_who_was_erased(settings: Settings) -> None:
    """Say what to do about people who were erased since a database was as it is now again."""
    erased = Path(settings.data_dir) / erased_list.NAME
    if erased.exists():
        typer.echo(f"{erased} lists people who were erased: run `koine person erase-again` now")
