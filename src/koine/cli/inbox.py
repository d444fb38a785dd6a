"""`koine inbox`: the inboxes at which contacts write to a tenant."""

from typing import Annotated

import typer

from koine.cli import options, output
from koine.cli.runtime import run_in_tenant
from koine.engine.contacts import inboxes
from koine.engine.contacts.inboxes import NewInbox
from koine.model.inbox import ChannelType, Inbox

app = typer.Typer(
    help="Inboxes: make and list them.",
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
    """Create an inbox; prints what the clients of contacts need.

    Example: koine inbox create "Website" --channel api
    """
    new = NewInbox(
        name=name,
        channel_type=channel,
        responder_id=responder,
        identity_required=identity,
    )
    settings = options.settings(data, database)
    made = run_in_tenant(
        settings, tenant, lambda engine, operator_actor: inboxes.create(engine, operator_actor, new)
    )
    if as_json:
        output.print_json(_row(made) | {"hmac_token": made.hmac_token})
    else:
        typer.echo(f"inbox {made.name} opened: {made.id}")
        typer.echo(f"inbox_identifier {made.identifier}")
        typer.echo(f"hmac_token       {made.hmac_token}")


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
