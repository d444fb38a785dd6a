"""`koine migrate`: migrate the tables, or say what that would do."""

from typing import Annotated

import typer
from msgspec import Struct

from koine.cli import options, output
from koine.cli.errors import EXIT_USAGE, CommandError, exit_with
from koine.cli.runtime import run_until_done
from koine.kit.amounts import counted
from koine.kit.settings import Settings
from koine.server.database import database_name, is_postgres, open_database, sqlite_path
from koine.store import migration_plan, schema
from koine.store.migration_plan import Lock
from koine.store.schema import SchemaStatus

EXIT_ADDS = 3
"""Of `--check`: migrations are missing, and all of them only add."""
EXIT_CONTRACTS = 4
"""Of `--check`: migrations are missing, and older nodes must be stopped before they are applied."""

_ADDS = "older nodes go on working and may be started again: migrate while they serve"
_CONTRACTS = "an older Koine cannot use the result: stop every node before you migrate"
_KINDS = {"adds": "only adds", "contracts": "contracts: stop older nodes first"}


class _Plan(Struct, frozen=True):
    """The SQL of each missing migration, and what it locks."""

    status: SchemaStatus
    steps: list[migration_plan.Step]
    locks: list[Lock]


def migrate(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what is missing; see the exit codes.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Migrate nothing; print the SQL, and which tables it locks."
        ),
    ] = False,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Create the tables, or migrate them. `koine serve` does it too.

    With --check it exits with 0 if nothing is missing, 3 if migrations are missing that only add,
    so that older nodes may go on serving, 4 if every older node must be stopped first, and 1 if
    this Koine cannot work with the tables.

    Example: koine migrate --check
    """
    settings = options.settings(data, database)
    if check and dry_run:
        exit_with("give --check or --dry-run, not both", EXIT_USAGE)
    if check:
        _check(settings, as_json)
    elif dry_run:
        _plan(settings, as_json)
    else:
        _migrate(settings, as_json)


def _migrate(settings: Settings, as_json: bool) -> None:
    before, after = run_until_done(_migrated(settings))
    where = database_name(settings)
    if as_json:
        output.print_json({"database": where, "before": before, "after": after})
    elif before != after:
        typer.echo(f"{where}: {before or 'empty'} -> {after}")
    else:
        typer.echo(_usable(where, after))


async def _migrated(settings: Settings) -> tuple[str | None, str | None]:
    db = await open_database(settings)
    try:
        before = await db.version()
        await schema.migrate(db)
        return before, await db.version()
    finally:
        await db.close()


def _check(settings: Settings, as_json: bool) -> None:
    status, where = run_until_done(_status(settings)), database_name(settings)
    contracting = schema.contracting(status.missing)
    if as_json:
        output.print_json(
            {
                "database": where,
                "version": status.version,
                "head": status.head,
                "usable": status.is_usable,
                "missing": status.missing,
                "newer": status.newer,
                "while_serving": status.version is None or not contracting,
            }
        )
    elif status.missing:
        typer.echo(f"{where} is at {status.version or 'nothing'}, this Koine at {status.head}")
        _print_missing(status)
    elif status.is_usable:
        typer.echo(_usable(where, status.version))
    if status.missing:
        raise typer.Exit(EXIT_CONTRACTS if contracting and status.version else EXIT_ADDS)
    if fault := status.fault():
        raise CommandError(str(fault))


def _plan(settings: Settings, as_json: bool) -> None:
    found, where = run_until_done(_planned(settings)), database_name(settings)
    if (fault := found.status.fault()) and not found.status.missing:
        raise CommandError(str(fault))
    if as_json:
        output.print_json({"database": where, "steps": found.steps, "locks": found.locks})
        return
    for step in found.steps:
        each = step.migration
        typer.echo(f"-- {each.revision} {each.name} ({_KINDS[each.kind]})\n{step.sql}\n")
    if not found.steps:
        typer.echo(f"-- {where} needs no migration")
        return
    for line in _described(found, is_postgres(settings)):
        typer.echo(f"-- {line}".rstrip())


async def _status(settings: Settings) -> SchemaStatus:
    if _has_no_file(settings):
        return schema.compare(None, {})
    db = await open_database(settings)
    try:
        return await schema.status(db)
    finally:
        await db.close()


async def _planned(settings: Settings) -> _Plan:
    if _has_no_file(settings):
        status = schema.compare(None, {})
        sql = schema.script("sqlite", None)
        return _Plan(status, migration_plan.steps(sql, status.missing), [])
    db = await open_database(settings)
    try:
        status = await schema.status(db)
        sql = schema.script(db.kind, status.version) if status.missing else ""
        rows = await db.estimate_rows()
        return _Plan(
            status, migration_plan.steps(sql, status.missing), migration_plan.locks(sql, rows)
        )
    finally:
        await db.close()


def _has_no_file(settings: Settings) -> bool:
    """Whether opening the database would create it."""
    return not is_postgres(settings) and not sqlite_path(settings).exists()


def _print_missing(status: SchemaStatus) -> None:
    output.print_table(
        ("migration", "what", "kind"),
        [(each.revision, each.name, _KINDS[each.kind]) for each in status.missing],
    )
    if status.version is None:
        typer.echo("the database is empty: nothing can be serving it")
    else:
        typer.echo(_CONTRACTS if schema.contracting(status.missing) else _ADDS)


def _described(plan: _Plan, postgres: bool) -> list[str]:
    """What the migrations lock, a line each."""
    if plan.status.version is None:
        return ["the database is empty: nothing waits"]
    if postgres:
        first = "one transaction: each of these tables is locked until the end of all"
    else:
        first = "one transaction: until its end, every write of this file waits"
    total = sum(lock.rows for lock in plan.locks)
    return [
        first,
        *(f"  {each.table}: {', '.join(each.effects)}{_rows(each.rows)}" for each in plan.locks),
        f"in all about {counted(total, 'row')} to read or write",
    ]


def _rows(rows: int) -> str:
    return f" (about {counted(rows, 'row')})" if rows else ""


def _usable(where: str, version: str | None) -> str:
    if version == schema.head():
        return f"{where} is up to date ({version})"
    return (
        f"{where} is at {version}, which a newer Koine has only added to: "
        f"this one ({schema.head()}) works with it"
    )
