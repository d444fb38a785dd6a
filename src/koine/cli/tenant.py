"""`koine tenant`: the server's tenants."""

import re
from typing import Annotated

import typer

from koine.cli import options, output
from koine.cli.errors import CommandError
from koine.cli.runtime import run
from koine.engine import tenants
from koine.engine.core.engine import Engine
from koine.kit.times import iso_ms
from koine.model.tenant import Tenant

app = typer.Typer(
    help="Tenants: make and list them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name, as people read it.")],
    slug: Annotated[str | None, typer.Option(help="Short name; else made of the name.")] = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Create a tenant."""
    short = slug if slug is not None else re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not _SLUG.fullmatch(short):
        raise CommandError(
            "a slug has lower-case letters, digits and hyphens: give one with --slug"
        )

    async def work(engine: Engine) -> Tenant:
        return await tenants.create(engine, name, short)

    made = run(options.settings(data, database), work)
    if as_json:
        output.print_json(_row(made))
    else:
        typer.echo(f"tenant {made.slug} made: {made.id}")


@app.command("list")
def list_(
    data: options.Data = None, database: options.Database = None, as_json: options.Json = False
) -> None:
    """List the tenants."""
    found = run(options.settings(data, database), tenants.list_all)
    output.print_rows(["id", "slug", "name", "created"], map(_row, found), as_json=as_json)


def _row(tenant: Tenant) -> dict[str, str]:
    return {
        "id": tenant.id,
        "slug": tenant.slug,
        "name": tenant.name,
        "created_at": iso_ms(tenant.created_at),
    }
