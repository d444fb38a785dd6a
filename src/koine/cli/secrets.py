"""`koine secrets`: what the server's keys have encrypted, and the change to a new key."""

import typer
from msgspec import Struct

from koine.cli import options, output, progress
from koine.cli.errors import EXIT_FAILED
from koine.cli.runtime import run
from koine.engine import sealed_secrets
from koine.engine.core.engine import Engine
from koine.engine.sealed_secrets import Resealed, UnopenedRow
from koine.kit.amounts import counted

app = typer.Typer(
    help="The server's keys: show and change them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


class KeyStatus(Struct, frozen=True):
    """A key of the server: its identifier, never the key; whether it is the newest, which signs and
    encrypts; whether it is stored in the database; how many values it opens."""

    id: str
    newest: bool
    in_database: bool
    opens: int


class SecretsStatus(Struct, frozen=True):
    """What `koine secrets status --json` prints."""

    keys: list[KeyStatus]
    in_clear_text: int
    unopened_values: int
    unopened_rows: int
    unopened: list[UnopenedRow]


@app.command()
def status(
    data: options.Data = None, database: options.Database = None, as_json: options.Json = False
) -> None:
    """Show how many secrets each key opens, and those that none does.

    Example: koine secrets status --json
    """
    found = run(options.settings(data, database), _status)
    if as_json:
        output.print_json(found)
    else:
        _print_status(found)


@app.command()
def rotate(
    data: options.Data = None, database: options.Database = None, as_json: options.Json = False
) -> None:
    """Encrypt stored secrets anew with the newest key.

    It runs while the server serves, and may be stopped and repeated. Give every node the new key
    first (docs/secrets.md). Afterwards older keys are only needed for tokens that they signed.

    Example: koine secrets rotate
    """
    done = run(options.settings(data, database), _rotate)
    if as_json:
        output.print_json(done)
    else:
        typer.echo(f"{counted(done.resealed, 'value')} encrypted with the newest key")
        typer.echo(f"{counted(done.sealed, 'HMAC token')} encrypted that had been in clear text")
        typer.echo(f"{counted(done.dropped, 'replaced secret')} removed that had expired")
        if done.newest_in_database:
            typer.echo("the newest key is in the database: set KOINE_SECRET_KEY (docs/secrets.md)")
        if done.stored_key_removed:
            typer.echo("the key that was stored in the database is removed")
    if done.unopened:
        unopened = counted(done.unopened, "value")
        typer.echo(f"koine: no key opens {unopened}: koine secrets status", err=True)
        raise typer.Exit(EXIT_FAILED)


async def _status(engine: Engine) -> SecretsStatus:
    keys = engine.server_keys
    report = await sealed_secrets.survey(engine.db, keys, engine.clock.now())
    return SecretsStatus(
        keys=[
            KeyStatus(id_, place == 0, id_ == keys.stored_id, report.by_key.get(id_, 0))
            for place, id_ in enumerate(keys.sealing.ids)
        ],
        in_clear_text=report.clear,
        unopened_values=report.unopened_values,
        unopened_rows=report.unopened_rows,
        unopened=report.unopened,
    )


async def _rotate(engine: Engine) -> Resealed:
    with progress.bar("rows", await sealed_secrets.count_rows(engine.db)) as add:
        return await sealed_secrets.reseal(engine, add)


def _print_status(found: SecretsStatus) -> None:
    rows = [
        [each.id, "newest" if each.newest else "", "database" if each.in_database else "settings",
         each.opens]
        for each in found.keys
    ]  # fmt: skip
    output.print_table(["key", "", "from", "opens"], rows)
    if found.in_clear_text:
        typer.echo(f"HMAC tokens in clear text: {found.in_clear_text}")
    if found.unopened_values:
        typer.echo(f"\nno key opens {counted(found.unopened_values, 'value')}:")
        listed = [
            [each.tenant, each.kind, each.id, each.name, ", ".join(each.values),
             ", ".join(each.keys)]
            for each in found.unopened
        ]  # fmt: skip
        output.print_table(["tenant", "of", "id", "name", "values", "key"], listed)
        if found.unopened_rows > len(listed):
            typer.echo(f"and {found.unopened_rows - len(listed):,} more")
