"""`koine user`: people who log in, and tokens for them."""

import sys
from typing import Annotated

import typer

from koine.cli import options, output
from koine.cli.errors import CommandError
from koine.cli.lookup import all_users, find_user
from koine.cli.runtime import resolve_tenant, run, run_in_tenant
from koine.cli.secret_input import ask_password, read_secret
from koine.cli.texts import require_text
from koine.dialects.native.schemas import Email, Name
from koine.engine import offboarding, unassignment
from koine.engine.auth import access, api_keys, sessions
from koine.engine.conversations import conversations
from koine.engine.core.engine import Engine
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.kit.settings import Settings
from koine.kit.times import DAY, SECOND, iso_ms
from koine.kit.tokens import random_token
from koine.model.actor import Actor
from koine.model.conversation import Status
from koine.model.filters import ConversationFilter
from koine.model.identity import Identity, NewIdentity
from koine.model.page import Window
from koine.model.permissions import Role

app = typer.Typer(
    help="Users: make, list, block and remove them, their passwords.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Who = Annotated[str, typer.Argument(help="E-mail or id.")]
FromStdin = Annotated[bool, typer.Option("--stdin", help="Read the password from standard input.")]

PASSWORD_BYTES = 15
"""Random bytes of a password that is reset: 20 characters."""
OPEN_STATUSES: tuple[Status, ...] = ("open", "pending", "snoozed")


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
    """Create a user. It can log in after `koine user set-password`.

    Example: koine user create ann@acme.example --name "Ann Lee" --role agent
    """
    require_text("email", email, Email)
    require_text("name", name or None, Name)
    require_text("phone", phone, Name)
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
    """List a tenant's users.

    Example: koine user list --json
    """
    found = run_in_tenant(options.settings(data, database), tenant, all_users)
    headings = ["id", "email", "name", "role", "created", "blocked"]
    output.print_rows(headings, map(_row, found), as_json=as_json)


@app.command()
def show(
    user: Who,
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Show a user, what it may do, and its work.

    Example: koine user show ann@acme.example
    """

    async def work(engine: Engine, operator_actor: Actor) -> dict[str, object]:
        person = await find_user(engine, operator_actor, user)
        states = await api_keys.list_with_states(engine, operator_actor, engine.clock.now())
        held = sorted(access.effective_permissions(person.role, person.permissions))
        assigned = ConversationFilter(assignee_id=person.id, statuses=OPEN_STATUSES)
        found = await conversations.find_page(
            engine, operator_actor, assigned, Window(limit=1), with_total=True
        )
        active = person.last_activity_at
        return _row(person) | {
            "phone": person.phone,
            "permissions": held,
            "last_activity_at": None if active is None else iso_ms(active),
            "active_keys": [k.id for k, s in states if k.user_id == person.id and s.is_active],
            "open_conversations": found.total,
        }

    shown = run_in_tenant(options.settings(data, database), tenant, work)
    if as_json:
        output.print_json(shown)
    else:
        output.print_fields(shown)


@app.command()
def remove(
    user: Who,
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Remove a user for good; its messages stay.

    Its sessions and keys end, and its conversations are assigned to nobody.

    Example: koine user remove ann@acme.example
    """

    async def work(engine: Engine, operator_actor: Actor) -> None:
        person = await find_user(engine, operator_actor, user)
        await offboarding.remove(engine, operator_actor, person.id, "user")

    run_in_tenant(options.settings(data, database), tenant, work)
    typer.echo("removed")


@app.command()
def block(
    user: Who,
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Block a user, who can be unblocked.

    Its sessions end, its keys are refused, and its open conversations are assigned to nobody.

    Example: koine user block ann@acme.example
    """
    _set_blocked(options.settings(data, database), tenant, user, True)
    typer.echo("blocked")


@app.command()
def unblock(
    user: Who,
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Unblock a user; it can log in again.

    Example: koine user unblock ann@acme.example
    """
    _set_blocked(options.settings(data, database), tenant, user, False)
    typer.echo("unblocked")


@app.command("reset-password")
def reset_password(
    user: Who,
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Set a random password and print it.

    All sessions of the user end. It is printed on a terminal or with --json
    only, so that it does not get into a log by chance.

    Example: koine user reset-password ann@acme.example
    """
    if not as_json and not sys.stdout.isatty():
        raise CommandError("a password is printed on a terminal only, or with --json")
    password = random_token(PASSWORD_BYTES)

    async def work(engine: Engine, operator_actor: Actor) -> Identity:
        person = await find_user(engine, operator_actor, user)
        await sessions.set_password(engine, operator_actor, person.id, password)
        return person

    person = run_in_tenant(options.settings(data, database), tenant, work)
    if as_json:
        output.print_json({"id": person.id, "email": person.email, "password": password})
    else:
        typer.echo(f"{password}\nIt is not shown again. Its user should change it.")


@app.command("set-password")
def set_password(
    user: Who,
    from_stdin: FromStdin = False,
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Set a user's password; all its sessions end.

    Example: koine user set-password ann@acme.example
    """
    password = read_secret("password") if from_stdin else ask_password()

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
    """Print an access token. It cannot be revoked: keep its lifetime short.

    Example: koine user token ann@acme.example --days 1
    """
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


def _set_blocked(settings: Settings, tenant: str | None, user: str, blocked: bool) -> None:
    async def work(engine: Engine, operator_actor: Actor) -> None:
        person = await find_user(engine, operator_actor, user)
        if person.blocked != blocked:
            changes = PersonChanges(blocked=blocked)
            await unassignment.change_user(engine, operator_actor, person.id, changes)

    run_in_tenant(settings, tenant, work)


def _row(user: Identity) -> dict[str, object]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role or "customer",
        "created_at": iso_ms(user.created_at),
        "blocked": user.blocked,
    }
