"""The command `migrate`: what it says before it changes anything, and its exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from koine.store import schema
from koine.store.migration_files import Kind
from tests.cli.terminal import Terminal
from tests.support.next_release import next_migrations

Upgrade = Callable[[Kind], None]


@pytest.fixture
def upgrade(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Upgrade:
    """Replaces the program by the next release, whose migration is of the given kind."""

    def replace(kind: Kind) -> None:
        made = next_migrations(tmp_path_factory.mktemp("release"), kind)
        monkeypatch.setattr(schema, "_MIGRATIONS", made)

    return replace


def test_migrate_prints_the_old_and_new_version(terminal: Terminal) -> None:
    assert "empty -> " in terminal.run("migrate")
    assert "up to date" in terminal.run("migrate")
    head = schema.head()
    assert terminal.json("migrate") == {
        "database": str(terminal.folder / "koine.db"), "before": head, "after": head,
    }  # fmt: skip


def test_check_says_whether_older_nodes_go_on_working(acme: Terminal, upgrade: Upgrade) -> None:
    assert "is up to date" in acme.run("migrate", "--check")
    before = schema.head()
    upgrade("adds")
    said = acme.run("migrate", "--check", code=3)
    assert f"is at {before}, this Koine at 9000" in said and "colour" in said
    assert "migrate while they serve" in said
    acme.run("migrate")
    assert "is up to date (9000)" in acme.run("migrate", "--check")


def test_check_says_when_every_node_must_be_stopped(acme: Terminal, upgrade: Upgrade) -> None:
    upgrade("contracts")
    assert "stop every node before you migrate" in acme.run("migrate", "--check", code=4)
    found = json.loads(acme.run("migrate", "--check", "--json", code=4))
    assert not found["while_serving"] and found["missing"][0]["kind"] == "contracts"


def test_an_empty_database_is_not_served_by_anybody(terminal: Terminal) -> None:
    assert "nothing can be serving it" in terminal.run("migrate", "--check", code=3)
    assert "nothing waits" in terminal.run("migrate", "--dry-run")
    assert list(terminal.folder.iterdir()) == []


def test_a_dry_run_prints_the_sql_and_what_it_locks(acme: Terminal, upgrade: Upgrade) -> None:
    assert "needs no migration" in acme.run("migrate", "--dry-run")
    before = schema.head()
    upgrade("adds")
    said = acme.run("migrate", "--dry-run")
    assert "-- 9000 colour (only adds)\nALTER TABLE tenants ADD COLUMN colour TEXT;" in said
    assert "--   tenants: changed in a moment, rows are written (about 1 row)" in said
    assert json.loads(acme.run("migrate", "--check", "--json", code=3))["version"] == before
    (step,) = acme.json("migrate", "--dry-run")["steps"]
    assert step["migration"]["revision"] == "9000" and "it''s red" in step["sql"]


@pytest.mark.parametrize("kind", ["adds", "contracts"])
def test_an_older_program_works_with_what_was_only_added(
    acme: Terminal, upgrade: Upgrade, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = schema._MIGRATIONS
    upgrade(kind)
    acme.run("migrate")
    monkeypatch.setattr(schema, "_MIGRATIONS", older)
    refused = int(kind == "contracts")
    for words in (
        ("migrate",),
        ("migrate", "--check"),
        ("migrate", "--dry-run"),
        ("tenant", "list"),
    ):
        said = acme.run(*words, code=refused)
        assert not refused or "older ones cannot use it (9000)" in said
    said = acme.run("doctor", code=refused)
    assert ("has only added to" in said) is not bool(refused)
    assert "koine migrate" not in said


def test_an_older_program_backs_up_and_verifies_what_was_only_added(
    acme: Terminal, upgrade: Upgrade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = schema._MIGRATIONS
    upgrade("adds")
    acme.run("migrate")
    monkeypatch.setattr(schema, "_MIGRATIONS", older)
    backup = str(tmp_path / "b.tar")
    assert "can be restored" in acme.run("backup", backup)
    elsewhere = Terminal(tmp_path / "elsewhere")
    assert "it is restored" in elsewhere.run("restore", backup)


def test_both_options_are_wrong_usage(terminal: Terminal) -> None:
    assert "not both" in terminal.run("migrate", "--check", "--dry-run", code=2)
    assert not Path(terminal.folder / "koine.db").exists()
