"""`koine tenant`: the server's tenants, from their creation to their deletion."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import msgspec
import typer

from koine.cli import options, output, progress, tenant_archive
from koine.cli.durations import parse_duration
from koine.cli.errors import CommandError
from koine.cli.runtime import run
from koine.cli.texts import require_text
from koine.dialects.native.schemas import Name, Reason
from koine.engine import tenant_deletion, tenant_suspension, tenants
from koine.engine.core.engine import Engine
from koine.engine.tenant_deletion import NotDue
from koine.kit.amounts import counted
from koine.kit.settings import Settings
from koine.kit.times import SECOND, iso_ms
from koine.model.actor import operator
from koine.model.tenant import DeletedTenant, Tenant
from koine.server.database import sqlite_path

app = typer.Typer(
    help="Tenants: make, list, suspend, delete, export and import them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Which = Annotated[str, typer.Argument(help="Short name or id.")]

R = TypeVar("R")
DEFAULT_GRACE = "7d"


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name, as people read it.")],
    *,
    slug: Annotated[str | None, typer.Option(help="Short name; else made of the name.")] = None,
    may_create: Annotated[
        bool, typer.Option("--create", help="Also create the embedded database, in ./data.")
    ] = False,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Create a tenant.

    Example: koine tenant create "Acme Ltd" --slug acme
    """
    require_text("name", name, Name)
    short = options.slug(name, slug)
    settings = options.settings(data, database)
    named = may_create or options.names_database(data, database)
    if not named and not sqlite_path(settings).exists():
        raise CommandError(
            f"this would create a new database, {sqlite_path(settings)}: name the server's with "
            "--database, --data or KOINE_DATABASE_URL, or give --create"
        )

    async def work(engine: Engine) -> Tenant:
        return await tenants.create(engine, name, short)

    made = run(settings, work, may_create=True)
    if as_json:
        output.print_json(_row(made))
    else:
        typer.echo(f"tenant {made.slug} made: {made.id}")


app.command("export")(tenant_archive.export)
app.command("import")(tenant_archive.import_)
app.command("verify")(tenant_archive.verify)
app.command("discard")(tenant_archive.discard)


@app.command("list")
def list_(
    deleted: Annotated[
        bool, typer.Option("--deleted", help="What is left of deleted ones instead.")
    ] = False,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """List the tenants, and which are suspended or will be deleted.

    Example: koine tenant list
    """
    settings = options.settings(data, database)
    if deleted:
        tombstones = run(settings, tenant_deletion.list_tombstones)
        headings = ["id", "number", "begun", "finished", "rows"]
        output.print_rows(headings, map(_tombstone_row, tombstones), as_json=as_json)
        return
    found = run(settings, tenants.list_all)
    headings = ["id", "slug", "name", "created", "status", "deletion"]
    output.print_rows(headings, map(_row, found), as_json=as_json)


@app.command()
def suspend(
    name: Which,
    reason: Annotated[str, typer.Option(help="Kept in the tenant's audit log.")] = "",
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Refuse every credential of a tenant.

    Its streams end, nothing is deleted, and webhooks wait until the tenant is resumed.

    Example: koine tenant suspend acme --reason "unpaid since March"
    """
    require_text("reason", reason or None, Reason)

    async def work(engine: Engine, tenant: Tenant) -> Tenant:
        return await tenant_suspension.suspend(engine, operator(tenant.id), reason)

    changed = _run_for(options.settings(data, database), name, work)
    _report(changed, f"tenant {changed.slug} is suspended", as_json)


@app.command()
def resume(
    name: Which,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """End the suspension of a tenant: everything works as before.

    Example: koine tenant resume acme
    """

    async def work(engine: Engine, tenant: Tenant) -> Tenant:
        return await tenant_suspension.resume(engine, operator(tenant.id))

    changed = _run_for(options.settings(data, database), name, work)
    _report(changed, f"tenant {changed.slug} is active", as_json)


@app.command()
def delete(
    name: Which,
    *,
    grace: Annotated[
        str, typer.Option(help="Time until its rows and files are deleted: 12h, 7d, 2w.")
    ] = DEFAULT_GRACE,
    now: Annotated[
        bool, typer.Option("--now", help="Delete them at once; asks for the short name again.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --now: do not ask.")] = False,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Suspend a tenant, and delete it after a grace time.

    Until then `koine tenant undelete` takes it back; then a running server deletes its rows and
    files in small batches. What remains is its id and number, and how many rows there were.

    Example: koine tenant delete acme --grace 7d
    """
    settings, wait = options.settings(data, database), parse_duration(grace)
    if now:
        tombstone = _delete_now(settings, name, yes)
        if as_json:
            output.print_json(_tombstone_row(tombstone))
        else:
            typer.echo(f"tenant {name} is deleted: {counted(_total(tombstone), 'row')}")
        return

    async def work(engine: Engine, tenant: Tenant) -> Tenant:
        return await tenant_suspension.schedule_deletion(engine, operator(tenant.id), wait)

    changed = _run_for(settings, name, work)
    begins = iso_ms(changed.delete_at or 0)
    done = f"tenant {changed.slug} is suspended, its deletion begins {begins}"
    _report(changed, f"{done}; until then: koine tenant undelete {changed.slug}", as_json)


@app.command()
def undelete(
    name: Which,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Take a scheduled deletion back: the tenant is as it was before.

    Example: koine tenant undelete acme
    """

    async def work(engine: Engine, tenant: Tenant) -> Tenant:
        return await tenant_suspension.cancel_deletion(engine, operator(tenant.id))

    changed = _run_for(options.settings(data, database), name, work)
    status = "suspended, as before" if changed.suspended_at is not None else "active"
    _report(changed, f"tenant {changed.slug} is {status}", as_json)


def _run_for(settings: Settings, name: str, work: Callable[[Engine, Tenant], Awaitable[R]]) -> R:
    """What `work` returns for the tenant of this name. Raises NotFound."""

    async def found(engine: Engine) -> R:
        return await work(engine, await tenants.get_by_slug_or_id(engine, name))

    return run(settings, found)


def _delete_now(settings: Settings, name: str, yes: bool) -> DeletedTenant:
    async def get(_: Engine, tenant: Tenant) -> Tenant:
        return tenant

    tenant = _run_for(settings, name, get)
    if not yes:
        typed = typer.prompt(f"All of {tenant.name} is deleted for good. Short name", err=True)
        if typed.strip() != tenant.slug:
            raise CommandError(f"that is not its short name, {tenant.slug}: nothing was deleted")
    return _run_for(settings, tenant.id, _delete)


async def _delete(engine: Engine, tenant: Tenant) -> DeletedTenant:
    """Delete a tenant now; one whose deletion was interrupted is deleted further."""
    if not tenant.is_being_deleted(engine.clock.now()):
        tenant = await tenant_suspension.schedule_deletion(engine, operator(tenant.id), 0)
    begins = tenant_deletion.begins_at(engine, tenant) or 0
    if (wait := begins - engine.clock.now()) > 0:
        typer.echo(
            f"waiting {wait // SECOND + 1} s for running servers to end its streams", err=True
        )
        await asyncio.sleep(wait / SECOND)
    show = progress.counter("rows deleted")
    with contextlib.suppress(NotDue):
        tombstone = await tenant_deletion.delete_tenant(engine, tenant.id, progress=show)
        if tombstone is not None:
            return tombstone
    # A running server has done the rest meanwhile, or someone has taken the deletion back.
    for each in await tenant_deletion.list_tombstones(engine):
        if each.id == tenant.id and each.finished_at is not None:
            return each
    raise CommandError("the deletion was taken back by another command")


def _report(tenant: Tenant, done: str, as_json: bool) -> None:
    if as_json:
        output.print_json(_row(tenant))
    else:
        typer.echo(done)


def _row(tenant: Tenant) -> dict[str, str | None]:
    return {
        "id": tenant.id,
        "slug": tenant.slug,
        "name": tenant.name,
        "created_at": iso_ms(tenant.created_at),
        "status": "active" if tenant.suspended_at is None else "suspended",
        "delete_at": None if tenant.delete_at is None else iso_ms(tenant.delete_at),
    }


def _tombstone_row(tombstone: DeletedTenant) -> dict[str, object]:
    ended = tombstone.finished_at
    return {
        "id": tombstone.id,
        "number": tombstone.number,
        "started_at": iso_ms(tombstone.started_at),
        "finished_at": None if ended is None else iso_ms(ended),
        "rows": msgspec.json.decode(tombstone.counts),
    }


def _total(tombstone: DeletedTenant) -> int:
    return sum(msgspec.json.decode(tombstone.counts, type=dict[str, int]).values())
