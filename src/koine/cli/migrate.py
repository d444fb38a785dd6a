"""`koine migrate`."""

import typer

from koine.cli import options
from koine.cli.runtime import run_until_done
from koine.kit.settings import Settings
from koine.server.database import database_name, open_database
from koine.store import schema


def migrate(data: options.Data = None, database: options.Database = None) -> None:
    """Create the tables, or migrate them. `koine serve` does it too.

    Example: koine migrate --database postgresql://koine@db/koine
    """
    settings = options.settings(data, database)
    before = run_until_done(_migrate(settings))
    where, head = database_name(settings), schema.head()
    if before == head:
        typer.echo(f"{where} is up to date ({head})")
    else:
        typer.echo(f"{where}: {before or 'empty'} -> {head}")


async def _migrate(settings: Settings) -> str | None:
    db = await open_database(settings)
    try:
        before = await db.version()
        await schema.migrate(db)
        return before
    finally:
        await db.close()
