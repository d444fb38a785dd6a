"""The command `doctor` finds problems and changes nothing."""

import pytest

from koine.cli.diagnostics import diagnose_database
from koine.kit.settings import load
from tests.cli.terminal import Terminal
from tests.support.shared_postgres import SharedPostgres


def test_a_new_folder_has_no_problems_and_stays_empty(terminal: Terminal) -> None:
    assert "PROBLEM" not in terminal.run("doctor")
    assert list(terminal.folder.iterdir()) == []


def test_a_configured_server_has_no_problems(acme: Terminal) -> None:
    about = {finding["about"]: finding["level"] for finding in acme.json("doctor")}
    fine = dict.fromkeys(("settings", "disk", "database", "tables", "version"), "ok")
    assert about == fine | {"secrets": "warning"}


def test_a_configured_encryption_key_is_no_problem(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "KOINE_SECRET_KEY" in terminal.run("doctor")
    monkeypatch.setenv("KOINE_SECRET_KEY", "k" * 32)
    assert "KOINE_SECRET_KEY" not in terminal.run("doctor")


def test_a_misspelt_variable_is_a_problem(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOINE_PROT", "80")
    assert "KOINE_PROT" in terminal.run("doctor", code=1)


def test_a_setting_that_cannot_be_read_is_a_problem(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOINE_PORT", "many")
    assert "KOINE_PORT: must be a whole number" in terminal.run("doctor", code=1)


def test_a_database_that_others_can_read_is_a_problem(acme: Terminal) -> None:
    (acme.folder / "koine.db").chmod(0o644)
    assert "chmod 600" in acme.run("doctor", code=1)


async def test_a_server_that_does_not_answer_is_a_problem() -> None:
    settings = load({}, {"database_url": "postgresql://u:secret@127.0.0.1:1/x"})
    (finding,) = await diagnose_database(settings)
    assert finding.level == "problem" and "secret" not in finding.found


async def test_unsafe_settings_are_problems(shared_postgres: SharedPostgres) -> None:
    settings = load({}, {"database_url": shared_postgres.new_empty_database()})
    found = list(await diagnose_database(settings))
    problems = [finding for finding in found if finding.level == "problem"]
    assert [finding.found for finding in problems] == [
        "the database is empty",
        "fsync is off", "synchronous_commit is off", "full_page_writes is off",
    ]  # fmt: skip
    assert "koine migrate" in problems[0].advice


def test_the_folder_of_backups_is_checked_on_demand(acme: Terminal) -> None:
    about = {finding["about"] for finding in acme.json("doctor", "--backups", str(acme.folder))}
    assert "backups" in about
    assert "backups" not in {finding["about"] for finding in acme.json("doctor")}


def test_the_folder_of_scheduled_backups_is_checked(
    acme: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOINE_BACKUP_TO", str(acme.folder))
    assert "backups" in {finding["about"] for finding in acme.json("doctor")}
