"""`koine inbox`: the inboxes at which contacts write to a tenant."""

from typing import Annotated

import typer

from koine.cli import options, output
from koine.cli.errors import CommandError
from koine.cli.runtime import run_in_tenant
from koine.cli.texts import require_text
from koine.dialects.native.schemas import Name
from koine.engine.contacts import hmac_tokens, inboxes
from koine.engine.contacts.inboxes import NewInbox
from koine.engine.core.engine import Engine
from koine.kit.ids import canonical_id
from koine.kit.times import iso_ms
from koine.model.actor import Actor
from koine.model.inbox import ChannelType, Inbox

app = typer.Typer(
    help="Inboxes: make and list them, rotate their HMAC tokens.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Channel = Annotated[ChannelType, typer.Option(help="Kind of channel.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name, as people read it.")],
    *,
    channel: Channel = "api",
    responder: Annotated[str | None, typer.Option(help="Id of who answers in it.")] = None,
    identity: Annotated[
        bool, typer.Option("--identity-required", help="Demand contacts' identity hash.")
    ] = False,
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Create an inbox and print what its clients need.

    Example: koine inbox create "Website" --channel api
    """
    require_text("name", name, Name)
    new = NewInbox(
        name=name,
        channel_type=channel,
        responder_id=responder,
        identity_required=identity,
    )
    settings = options.settings(data, database)

    async def work(engine: Engine, operator_actor: Actor) -> tuple[Inbox, str | None]:
        made = await inboxes.create(engine, operator_actor, new)
        return made, hmac_tokens.newest_token(engine.encryption, made)

    made, token = run_in_tenant(settings, tenant, work)
    if as_json:
        output.print_json(_row(made) | {"hmac_token": token})
    else:
        typer.echo(f"inbox {made.name} opened: {made.id}")
        typer.echo(f"inbox_identifier {made.identifier}")
        typer.echo(f"hmac_token       {token}")


@app.command("rotate-hmac-token")
def rotate_hmac_token(
    inbox_id: Annotated[str, typer.Argument(help="Id of the inbox (koine inbox list).")],
    *,
    overlap_hours: Annotated[
        int,
        typer.Option(
            min=0,
            max=hmac_tokens.MAX_OVERLAP_HOURS,
            help="Hours for which identity hashes by the old token are valid, too.",
        ),
    ] = hmac_tokens.OLD_TOKEN_HOURS,
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Make a new HMAC token for an inbox and print it.

    Example: koine inbox rotate-hmac-token INBOX_ID --overlap-hours 48
    """

    async def work(engine: Engine, operator_actor: Actor) -> tuple[Inbox, str | None]:
        keys, wanted = engine.encryption, canonical_id(inbox_id) or ""
        changed = await hmac_tokens.rotate(engine, operator_actor, keys, wanted, overlap_hours)
        return changed, hmac_tokens.newest_token(keys, changed)

    if canonical_id(inbox_id) is None:
        raise CommandError("no such inbox: `koine inbox list` shows the ids")
    changed, token = run_in_tenant(options.settings(data, database), tenant, work)
    until = changed.old_hmac_token_until
    shown = None if until is None else iso_ms(until)
    if as_json:
        output.print_json(_row(changed) | {"hmac_token": token, "old_hmac_token_until": shown})
    else:
        typer.echo(f"hmac_token {token}")
        typer.echo(f"the old token is valid until {shown}" if shown else "the old token is invalid")


@app.command("list")
def list_(
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """List a tenant's inboxes.

    Example: koine inbox list
    """
    found = run_in_tenant(options.settings(data, database), tenant, inboxes.list_all)
    headings = ["id", "number", "name", "channel", "identifier"]
    output.print_rows(headings, map(_row, found), as_json=as_json)


def _row(inbox: Inbox) -> dict[str, object]:
    return {
        "id": inbox.id,
        "number": inbox.number,
        "name": inbox.name,
        "channel_type": inbox.channel_type,
        "inbox_identifier": inbox.identifier,
    }
