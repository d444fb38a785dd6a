"""`koine user`: people who log in, and tokens for them."""

import sys
from typing import Annotated

import typer

from koine.cli import options, output
from koine.cli.errors import CommandError
from koine.cli.lookup import all_users, find_user
from koine.cli.runtime import resolve_tenant, run, run_in_tenant
from koine.engine.auth import sessions
from koine.engine.core.engine import Engine
from koine.engine.people import directory
from koine.kit.times import DAY, SECOND, iso_ms
from koine.model.actor import Actor
from koine.model.identity import Identity, NewIdentity
from koine.model.permissions import Role

app = typer.Typer(
    help="Users: make and list them, their passwords, tokens.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Who = Annotated[str, typer.Argument(help="E-mail or id.")]
FromStdin = Annotated[bool, typer.Option("--stdin", help="Read the password from standard input.")]


@app.command()
def create(
    email: Annotated[str, typer.Argument(help="E-mail.")],
    *,
    name: Annotated[str, typer.Option(help="Full name.")] = "",
    role: Annotated[Role | None, typer.Option(help="Without one it is a customer.")] = None,
    phone: Annotated[str | None, typer.Option(help="Telephone, +49…")] = None,
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Create a user. It can log in after `koine user set-password`."""
    if "@" not in email:
        raise CommandError(f"{email} is no e-mail")
    first, _, last = name.partition(" ")
    new = NewIdentity(
        kind="user", name=name or email.partition("@")[0], first_name=first or None,
        last_name=last or None, email=email, phone=phone, role=role,
    )  # fmt: skip

    async def work(engine: Engine, operator_actor: Actor) -> Identity:
        if any(
            known.email == email.strip().lower()
            for known in await all_users(engine, operator_actor)
        ):
            raise CommandError(f"there is a user {email} already")
        return await directory.create(engine, operator_actor, new)

    made = run_in_tenant(options.settings(data, database), tenant, work)
    if as_json:
        output.print_json(_row(made))
    else:
        typer.echo(f"user {made.email} made: {made.id}")


@app.command("list")
def list_(
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """List a tenant's users."""
    found = run_in_tenant(options.settings(data, database), tenant, all_users)
    headings = ["id", "email", "name", "role", "created"]
    output.print_rows(headings, map(_row, found), as_json=as_json)


@app.command("set-password")
def set_password(
    user: Who,
    from_stdin: FromStdin = False,
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Set a user's password; all its sessions end."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)

    async def work(engine: Engine, operator_actor: Actor) -> None:
        person = await find_user(engine, operator_actor, user)
        await sessions.set_password(engine, operator_actor, person.id, password)

    run_in_tenant(options.settings(data, database), tenant, work)
    typer.echo("password set")


@app.command()
def token(
    user: Annotated[str | None, typer.Argument(help="E-mail or id.")] = None,
    admin: Annotated[
        bool, typer.Option("--system-admin", help="Of the server's administrator, of no tenant.")
    ] = False,
    days: Annotated[int, typer.Option(min=1, max=365, help="Days it lives.")] = 1,
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Print an access token. It cannot be revoked: keep its lifetime short."""
    if admin == (user is not None):
        raise CommandError("name a user, or give --system-admin")
    ttl = days * DAY // SECOND

    async def work(engine: Engine) -> str:
        if user is None:
            return sessions.system_admin_token(engine, ttl)
        of, operator_actor = await resolve_tenant(engine, tenant)
        person = await find_user(engine, operator_actor, user)
        return sessions.access_token(engine, of.id, person, ttl)

    typer.echo(run(options.settings(data, database), work))


def _row(user: Identity) -> dict[str, str | None]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role or "customer",
        "created_at": iso_ms(user.created_at),
    }
