"""`koine compact`: rewrite the database's files without what was deleted from them."""

import typer

from koine.cli import options, output
from koine.cli.runtime import run
from koine.engine.core.engine import Engine
from koine.kit.amounts import size


def compact(
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Rewrite the database without what was deleted.

    Until then the bytes stay in its files. Sends wait meanwhile. It needs as much free disk space
    as the database is large, and on PostgreSQL a role that owns the tables.

    Example: koine compact
    """

    async def work(engine: Engine) -> tuple[int, int]:
        before = await engine.db.size_bytes()
        await engine.db.compact()
        return before, await engine.db.size_bytes()

    before, after = run(options.settings(data, database), work)
    if as_json:
        output.print_json({"bytes_before": before, "bytes_after": after})
    else:
        typer.echo(f"compacted: {size(before)} before, {size(after)} after")
