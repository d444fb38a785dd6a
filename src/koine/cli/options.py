"""The options that many commands share, and the settings made of them."""

import os
import re
from typing import Annotated

import typer

from koine.cli.errors import CommandError
from koine.kit import settings as kit
from koine.kit.settings import BadSetting, Settings

Data = Annotated[
    str | None,
    typer.Option(
        "--data", metavar="DIR", help="Folder of uploads, and of the database if no URL names one."
    ),
]
Database = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", help="postgresql://… or sqlite:///path instead."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Tenant = Annotated[
    str | None,
    typer.Option("--tenant", "-t", help="Short name or id; not needed while there is one only."),
]


def settings(data: str | None, database: str | None, **given: object) -> Settings:
    """The settings of the environment; typed options come before them. Raises BadSetting, also for
    `--data` where a variable names the database: who types only a folder may mean the database in
    it, and a command must not change another one."""
    variable = kit.variable("database_url")
    if data and not database and os.environ.get(variable, "").strip():
        raise BadSetting(
            "--data",
            f"{variable} names the database, not this folder: give --database, too, or unset it",
        )
    return serve_settings(data, database, **given)


def serve_settings(data: str | None, database: str | None, **given: object) -> Settings:
    """As `settings`, but `--data` may be the folder of uploads beside a database that a variable
    names. Raises BadSetting."""
    return kit.load(os.environ, {"data_dir": data, "database_url": database, **given})


def names_database(data: str | None, database: str | None) -> bool:
    """Whether options or variables say where the database is, and it is not just the default."""
    given = (data, database, *(os.environ.get(kit.variable(name)) for name in _PLACES))
    return any(each and each.strip() for each in given)


_PLACES = ("data_dir", "database_url")


_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def slug(name: str, given: str | None = None) -> str:
    """The short name of a tenant: the `given` one, or one made of its name. Raises CommandError."""
    short = given if given is not None else re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not _SLUG.fullmatch(short):
        raise CommandError(
            "a slug has at most 63 lower-case letters, digits and hyphens: give another"
        )
    return short
