"""`koine key`: API keys."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from koine.cli import options, output
from koine.cli.errors import CommandError, describe
from koine.cli.lookup import all_users, find_user
from koine.cli.runtime import run_in_tenant
from koine.cli.texts import require_text
from koine.dialects.native.schemas import Name
from koine.engine.auth import api_keys
from koine.engine.auth.api_keys import CreatedApiKey, KeyState
from koine.engine.core.engine import Engine
from koine.kit.ids import canonical_id
from koine.kit.settings import Settings
from koine.kit.times import DAY, iso_ms
from koine.model.actor import Actor
from koine.model.credential import ApiKey
from koine.model.errors import NotFound
from koine.model.permissions import (
    PERMISSIONS,
    READ_CONVERSATIONS,
    READ_CUSTOMERS,
    WRITE_CONVERSATIONS,
    WRITE_CUSTOMERS,
)

app = typer.Typer(
    help="API keys: make, list, revoke and take them over.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

DEFAULT_PERMISSIONS = [READ_CONVERSATIONS, WRITE_CONVERSATIONS, READ_CUSTOMERS, WRITE_CUSTOMERS]
"""The permissions of a key by default."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    *,
    user: Annotated[str, typer.Option(help="E-mail or id of the user it acts as.")],
    permission: Annotated[
        list[str] | None,
        typer.Option(
            help=f"May be given again; one of {', '.join(sorted(PERMISSIONS))}. "
            f"Without: {', '.join(DEFAULT_PERMISSIONS)}."
        ),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="Days it lives; else for ever.")
    ] = None,
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Create a key and print it; it cannot be shown again.

    Example: koine key create "Our CRM" --user ann@acme.example
    """
    require_text("name", name, Name)

    async def work(engine: Engine, operator_actor: Actor) -> CreatedApiKey:
        person = await find_user(engine, operator_actor, user)
        until = None if days is None else engine.clock.now() + days * DAY
        rights = frozenset(permission or DEFAULT_PERMISSIONS)
        return await api_keys.create(
            engine, operator_actor, name, rights, user_id=person.id, expires_at=until
        )

    made = run_in_tenant(options.settings(data, database), tenant, work)
    if as_json:
        output.print_json({"id": made.key.id, "api_key": made.text})
    else:
        typer.echo(f"{made.text}\nKeep it: it is not shown again. Its id is {made.key.id}.")


@app.command("list")
def list_(
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """List a tenant's keys, and which of them are refused.

    Example: koine key list --json
    """

    async def work(engine: Engine, operator_actor: Actor) -> list[dict[str, str | None]]:
        emails = {user.id: user.email for user in await all_users(engine, operator_actor)}
        found = await api_keys.list_with_states(engine, operator_actor, engine.clock.now())
        return [_row(key, emails.get(key.user_id), state) for key, state in found]

    rows = run_in_tenant(options.settings(data, database), tenant, work)
    headings = ["id", "prefix", "name", "created", "expires", "revoked", "user", "state", "reason"]
    output.print_rows(headings, rows, as_json=as_json)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id.")],
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Revoke a key; a running server refuses it within seconds.

    Example: koine key revoke 0199d4c0-0000-7000-8000-000000000000
    """
    _change_key(api_keys.revoke, options.settings(data, database), tenant, key_id)
    typer.echo("revoked")


@app.command("take-over")
def take_over(
    key_id: Annotated[str, typer.Argument(help="The key's id.")],
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Keep a key valid after its creator was removed.

    Example: koine key take-over 0199d4c0-0000-7000-8000-000000000000
    """
    _change_key(api_keys.take_over, options.settings(data, database), tenant, key_id)
    typer.echo("taken over")


def _change_key(
    change: Callable[[Engine, Actor, str], Awaitable[object]],
    settings: Settings,
    tenant: str | None,
    key_id: str,
) -> None:
    """Change the key with this id. Raises CommandError when the tenant has none."""

    async def work(engine: Engine, operator_actor: Actor) -> None:
        wanted = canonical_id(key_id)
        try:
            if wanted is None:
                raise NotFound("api_key")
            await change(engine, operator_actor, wanted)
        except NotFound as error:
            raise CommandError(f"{describe(error)}: `koine key list` shows the ids") from None

    run_in_tenant(settings, tenant, work)


def _row(key: ApiKey, email: str | None, state: KeyState) -> dict[str, str | None]:
    return {
        "id": key.id,
        "prefix": key.prefix,
        "name": key.name,
        "created_at": iso_ms(key.created_at),
        "expires_at": None if key.expires_at is None else iso_ms(key.expires_at),
        "revoked_at": None if key.revoked_at is None else iso_ms(key.revoked_at),
        "user": email or key.user_id,
        "state": state.state,
        "reason": state.reason,
    }
