"""`koine openapi` and `koine routes`: the server's HTTP APIs."""

from typing import Annotated

import typer

from koine.cli import options, output
from koine.cli.errors import CommandError
from koine.http.dialect import Dialect
from koine.http.openapi import document
from koine.server.app import dialects


def openapi(
    dialect: Annotated[str | None, typer.Argument(help="Its name; without, all of them.")] = None,
    base_url: Annotated[str, typer.Option(help="URL of the server it names.")] = "/",
) -> None:
    """Print a dialect's OpenAPI 3.1 document.

    Example: koine openapi native --base-url https://acme.example
    """
    known = {each.name: each for each in dialects()}
    if dialect is None:
        output.print_json({name: document(each, base_url) for name, each in known.items()})
    elif dialect in known:
        output.print_json(document(known[dialect], base_url))
    else:
        raise CommandError(f"no dialect {dialect}: it is one of {', '.join(known)}")


def routes(as_json: options.Json = False) -> None:
    """List every route with its dialect and authentication.

    Example: koine routes --json
    """
    every = [row for dialect in dialects() for row in _rows(dialect)]
    output.print_rows(["dialect", "method", "path", "auth"], every, as_json=as_json)


def _rows(dialect: Dialect) -> list[dict[str, str]]:
    schemes = " or ".join(dialect.security_schemes) or "in the path"
    return [
        {
            "dialect": dialect.name,
            "method": route.method,
            "path": route.path,
            "auth": "public" if route.public else schemes,
        }
        for route in dialect.routes
    ]
