"""The commands of `koine`, under their names."""

import typer

from koine.cli import (
    database,
    delivery,
    demo,
    doctor,
    inbox,
    key,
    serve,
    tenant,
    user,
    wire,
)
from koine.cli.failing import Plain

app = typer.Typer(
    name="koine",
    cls=Plain,
    help="Koine: one conversation engine, spoken to in the dialects of four existing products.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.add_typer(tenant.app, name="tenant")
app.add_typer(user.app, name="user")
app.add_typer(key.app, name="key")
app.add_typer(inbox.app, name="inbox")
app.add_typer(delivery.app, name="delivery")
app.command("migrate")(database.migrate)
app.command("doctor")(doctor.doctor)
app.command("openapi")(wire.openapi)
app.command("routes")(wire.routes)
app.command("version")(database.version)
