"""`koine restore`: replace a database that no server serves by an archive."""

from pathlib import Path
from typing import Annotated

import typer

from koine.cli import options
from koine.cli.backup import report
from koine.engine.personal_data import erased_list
from koine.server.backup.restore import restore as restored


def restore(
    path: Annotated[Path, typer.Argument(help="The archive.")],
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Even if there is something in the database.")
    ] = False,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Restore the database and the uploads from an archive. The result is verified.

    Example: koine restore /backups/before.tar
    """
    settings = options.settings(data, database)
    report("is restored", path, lambda folder: restored(settings, path, folder, force=force))
    erased = Path(settings.data_dir) / erased_list.NAME
    if erased.exists():
        typer.echo(f"{erased} lists people who were erased: run `koine person replay` now")
