"""The commands by name. A command's module is imported when it is run or described: most of them
import the whole engine, which `koine serve`, which is to start fast, does not need."""

from importlib import import_module
from typing import Any

import typer
from typer.main import get_command

from koine.cli.errors import ErrorHandlingGroup

COMMANDS = {
    "serve": "serve", "demo": "demo", "tenant": "tenant", "user": "user", "key": "key",
    "person": "person", "inbox": "inbox", "delivery": "delivery", "audit": "audit",
    "migrate": "migrate", "doctor": "doctor", "status": "status",
    "backup": "backup", "restore": "restore", "move": "move", "compact": "compact",
    "secrets": "secrets", "retention": "retention",
    "openapi": "openapi", "routes": "openapi", "version": "version",
}  # fmt: skip
"""The commands with their modules in this package, in the order of `koine --help`."""


class CommandGroup(ErrorHandlingGroup):
    """The group of all commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name: a module's `app` is a group, else its function of this name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"koine.cli.{COMMANDS[cmd_name]}")
        if hasattr(module, "app"):
            group = get_command(module.app)
            group.name = cmd_name
            return group
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(cmd_name)(getattr(module, cmd_name))
        return get_command(single)


app = typer.Typer(
    name="koine",
    cls=CommandGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def koine() -> None:
    """Koine: one conversation engine with the HTTP APIs of four existing products."""
