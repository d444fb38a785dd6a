"""The other commands, and how errors are printed."""

import asyncio
import json
import re
import shlex
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from koine import __version__
from koine.cli import app
from koine.cli.commands import COMMANDS
from koine.kit.settings import describe
from koine.server import dialects
from koine.store.postgres import database as postgres
from tests.support.restricted_role import restricted_role
from tests.support.shared_postgres import SharedPostgres

ROOT = Path(__file__).parents[2]


def typed(*words: str, code: int = 0, **env: str) -> str:
    result = CliRunner().invoke(app, words, env=env)
    assert result.exit_code == code, result.output
    return result.output if code else result.stdout


def test_every_command_is_listed_and_has_a_help_text() -> None:
    said = typed("--help")
    for name in COMMANDS:
        assert f"\n  {name} " in said
        assert "--help" in typed(name, "--help")


@pytest.mark.parametrize("words", [(), *((name,) for name in COMMANDS)])
def test_help_is_plain_text_with_whole_sentences(words: tuple[str, ...]) -> None:
    said = typed(*words, "--help", COLUMNS="80")
    assert said.startswith("Usage: koine")
    assert "..." not in said.partition("\n\nCommands:")[2]
    assert not words or "--install-completion" not in said


def leaves(command: Any, path: tuple[str, ...] = ("koine",)) -> Iterator[tuple[str, ...]]:
    """The words of every command that does something."""
    names = getattr(command, "list_commands", None)
    if names is None:
        yield path
        return
    context = typer.Context(command)
    for name in names(context):
        yield from leaves(command.get_command(context, name), (*path, name))


EVERY = list(leaves(get_command(app)))


def of(path: tuple[str, ...]) -> Any:
    command: Any = get_command(app)
    for name in path[1:]:
        command = command.get_command(typer.Context(command), name)
    return command


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_help_text_ends_with_an_example_that_can_be_typed(
    path: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = of(path)
    words = shlex.split((command.help or "").rpartition("Example: ")[2])
    assert tuple(words[: len(path)]) == path
    for name in words:
        if re.fullmatch(r"[\w-]+\.[a-z]+", name):
            Path(name).touch()
    command.make_context(path[-1], words[len(path) :])


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_argument_and_option_is_described(path: tuple[str, ...]) -> None:
    params = of(path).params
    assert params or path == ("koine", "version")
    assert [each.name for each in params if not (each.help or "").strip()] == []


def test_what_a_command_needs_beforehand_is_in_its_help() -> None:
    for name in ("restore", "move"):
        assert "Stop the server first" in typed(name, "--help")


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_what_a_command_would_do_is_asked_with_one_word(path: tuple[str, ...]) -> None:
    names = {name for each in of(path).params for name in each.opts}
    assert not names & {"--plan", "--simulate", "--preview"}
    assert path == ("koine", "migrate") or "--check" not in names


def test_version() -> None:
    assert typed("version") == f"{__version__}\n"


def test_routes_are_those_of_the_dialects() -> None:
    rows = json.loads(typed("routes", "--json"))
    assert len(rows) == sum(len(dialect.routes) for dialect in dialects())
    assert {row["dialect"] for row in rows} == {dialect.name for dialect in dialects()}
    assert rows[0]["path"] in typed("routes")


@pytest.mark.parametrize("name", [dialect.name for dialect in dialects()])
def test_openapi_of_each_dialect(name: str) -> None:
    assert json.loads(typed("openapi", name))["openapi"].startswith("3.1")


def test_openapi_of_all_and_of_none() -> None:
    assert set(json.loads(typed("openapi"))) == {dialect.name for dialect in dialects()}
    assert "it is one of" in typed("openapi", "klingon", code=1)


def test_a_bad_setting_is_wrong_usage() -> None:
    said = typed("tenant", "list", code=2, KOINE_PORT="many")
    assert said == "koine: KOINE_PORT: must be a whole number from 0 to 65535\n"


def test_an_unreachable_database_is_reported_without_its_password() -> None:
    said = typed("tenant", "list", "--database", "postgresql://u:secret@127.0.0.1:1/x", code=1)
    assert (
        said
        == "koine: the database at postgresql://127.0.0.1:1/x does not answer: is it running?\n"
    )


def test_a_host_that_cannot_be_resolved_is_reported_as_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    said = typed("tenant", "list", "--database", "postgresql://u:secret@db.test/x", code=1)
    assert said == (
        "koine: the database at postgresql://db.test/x cannot be reached: its host's name cannot "
        "be resolved (Name or service not known)\n"
    )


def test_a_command_ends_while_a_look_up_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: ends.wait())
    monkeypatch.setattr(postgres, "_CONNECT_SECONDS", 0.05)
    said = typed("tenant", "list", "--database", "postgresql://u:secret@db.test/x", code=1)
    ends.set()
    assert said == "koine: the database at postgresql://db.test/x does not answer: is it running?\n"


@pytest.mark.parametrize("words", [("tenant", "list"), ("migrate",), ("doctor",), ("backup", "b")])
@pytest.mark.parametrize("password", ["p4ss#word", "p@ssword", "p4/ssword", "12?ssword"])
def test_no_command_prints_a_part_of_a_password(words: tuple[str, ...], password: str) -> None:
    url = f"postgresql://koine:{password}@db.test/koine"
    said = CliRunner().invoke(app, [*words, "--database", url]).output
    assert "KOINE_DATABASE_URL" in said
    assert "word" not in said.replace("password", "") and "p4" not in said


FOLDER_COMMANDS = [
    ("tenant", "list"), ("tenant", "create", "Acme"), ("user", "list"), ("migrate",), ("doctor",),
    ("demo",), ("demo", "--env"), ("backup", "b.tar"),
]  # fmt: skip


@pytest.mark.parametrize("words", FOLDER_COMMANDS, ids=" ".join)
def test_a_data_folder_that_is_none_is_reported(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = CliRunner().invoke(app, [*words, "--data", str(tmp_path / "file" / "data")])
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit), result.exception
    assert str(tmp_path / "file") in result.output


async def test_for_a_role_that_may_not_create_tables_the_grant_is_named(
    shared_postgres: SharedPostgres,
) -> None:
    url = shared_postgres.new_empty_database()
    with restricted_role(url, owner=False) as few:
        role = few.partition("//")[2].partition(":")[0]
        for words in (("migrate",), ("tenant", "create", "Acme")):
            said = await asyncio.to_thread(typed, *words, "--database", few, code=1)
            assert said.count("\n") == 1
            assert said.endswith(f": GRANT USAGE, CREATE ON SCHEMA public TO {role}\n")


@pytest.mark.parametrize("words", [("tenant", "list"), ("migrate",), ("restore", "b.tar")])
def test_a_folder_alone_is_refused_where_a_variable_names_the_database(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    url, data = f"sqlite:///{tmp_path}/used.db", str(tmp_path / "other")
    said = typed(*words, "--data", data, code=2, KOINE_DATABASE_URL=url)
    assert said.startswith("koine: --data: KOINE_DATABASE_URL names the database")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_of_uploads_where_an_option_names_the_database(tmp_path: Path) -> None:
    url, used = f"sqlite:///{tmp_path}/used.db", tmp_path / "used.db"
    typed("migrate", "--data", str(tmp_path / "other"), "--database", url, KOINE_DATABASE_URL=url)
    assert used.exists()


def test_a_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    (tmp_path / "koine.db").write_text("not a database " * 100)
    assert "Traceback" not in typed("tenant", "list", "--data", str(tmp_path), code=1)


def test_the_page_about_running_names_every_setting() -> None:
    page = (ROOT / "docs" / "running.md").read_text()
    for each in describe():
        default = f"`{each.default}`" if each.default else ""
        assert f"| `{each.env}` | {default} | {each.doc} | {each.accepts} |" in page
