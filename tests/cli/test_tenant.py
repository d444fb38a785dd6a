"""The life of a tenant at the command line: suspended, resumed, deleted; where it is created."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from koine.cli import app
from koine.engine import tenant_deletion
from tests.cli.terminal import Terminal


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server uses the database: a deletion need not wait for it."""
    monkeypatch.setattr(tenant_deletion, "SETTLING", 0)
    monkeypatch.setenv("KOINE_TOKEN_CACHE_SECONDS", "0")


def status(terminal: Terminal) -> tuple[str, bool]:
    (listed,) = terminal.json("tenant", "list")
    return listed["status"], listed["delete_at"] is not None


def test_a_tenant_is_suspended_and_resumed(acme: Terminal) -> None:
    assert status(acme) == ("active", False)
    said = acme.run("tenant", "suspend", "acme", "--reason", "unpaid")
    assert said == "tenant acme is suspended\n"
    assert status(acme) == ("suspended", False)
    assert "unpaid" in acme.run("audit", "--action", "suspend")
    assert acme.json("tenant", "resume", "acme")["status"] == "active"


def test_a_deletion_waits_for_its_grace_time_and_is_taken_back(acme: Terminal) -> None:
    said = acme.run("tenant", "delete", "acme", "--grace", "2w")
    assert said.endswith("until then: koine tenant undelete acme\n")
    assert status(acme) == ("suspended", True)
    assert "take that back first" in acme.run("tenant", "resume", "acme", code=1)
    assert acme.run("tenant", "undelete", "acme") == "tenant acme is active\n"
    assert status(acme) == ("active", False)


@pytest.mark.parametrize("grace", ["seven", "-1d", "7", "7y"])
def test_a_grace_time_needs_a_unit(acme: Terminal, grace: str) -> None:
    assert "is no duration" in acme.run("tenant", "delete", "acme", "--grace", grace, code=1)
    assert status(acme) == ("active", False)


def test_a_grace_time_ends(acme: Terminal) -> None:
    said = acme.run("tenant", "delete", "acme", "--grace", "999999w", code=1)
    assert "the grace time is 36500 days at most" in said
    assert status(acme) == ("active", False)


@pytest.mark.parametrize("typed", ["Acme\n", "\n", None])
def test_to_delete_now_the_short_name_must_be_typed_again(
    acme: Terminal, typed: str | None
) -> None:
    acme.run("tenant", "delete", "acme", "--now", input=typed, code=1)
    assert status(acme) == ("active", False)


@pytest.mark.parametrize(("words", "typed"), [((), "acme\n"), (("--yes",), None)])
def test_what_is_deleted_now_is_gone_but_for_its_counts(
    acme: Terminal, at_once: None, words: tuple[str, ...], typed: str | None
) -> None:
    acme.run("user", "create", "ann@acme.test")
    said = acme.run("tenant", "delete", "acme", "--now", *words, input=typed)
    assert "tenant acme is deleted: " in said
    assert acme.json("tenant", "list") == []
    (left,) = acme.json("tenant", "list", "--deleted")
    assert set(left) == {"id", "number", "started_at", "finished_at", "rows"}
    assert left["rows"]["identities"] == 2
    assert b"ann@acme" not in str(left).encode()
    said = acme.run("tenant", "list", "--deleted")
    assert "identities: 2" in said and not set("{}'") & set(said)


def test_a_running_server_gets_time_to_end_the_streams(
    acme: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenant_deletion, "SETTLING", 300_000)
    monkeypatch.setenv("KOINE_TOKEN_CACHE_SECONDS", "0")
    acme.run("tenant", "delete", "acme", "--now", "--yes")
    assert acme.errors.startswith("waiting 1 s for running servers")


# ---------------------------------------------------------------- where it is created


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a database, and no variable that names one."""
    monkeypatch.chdir(tmp_path)
    for name in ("KOINE_DATABASE_URL", "KOINE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def typed(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == code, result.output
    return result.output


def test_no_second_database_is_created_by_mistake(elsewhere: Path) -> None:
    said = typed("tenant", "create", "Acme", code=1)
    assert said.count("\n") == 1 and "data/koine.db" in said and "--create" in said
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    "words", [("user", "list"), ("tenant", "list"), ("key", "list"), ("audit",)]
)
def test_what_reads_or_changes_creates_no_database(elsewhere: Path, words: tuple[str, ...]) -> None:
    for place in ((), ("--data", "other")):
        assert "there is no database" in typed(*words, *place, code=1)
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("words", [("--create",), ("--data", "data")])
def test_it_is_created_when_asked_for_and_then_used(
    elsewhere: Path, words: tuple[str, ...]
) -> None:
    typed("tenant", "create", "Acme", *words)
    typed("tenant", "create", "Beta")
    assert typed("tenant", "list", "--json").count('"slug"') == 2


def test_a_variable_says_where_it_is(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOINE_DATA_DIR", "there")
    typed("tenant", "create", "Acme")
    assert (elsewhere / "there" / "koine.db").exists()


def test_a_migrated_database_is_used(elsewhere: Path) -> None:
    typed("migrate")
    typed("tenant", "create", "Acme")
