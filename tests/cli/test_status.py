"""`koine status`."""

import json

from tests.cli.terminal import Terminal


def test_the_status_of_a_server_that_does_not_run(acme: Terminal) -> None:
    said = acme.run("status")
    assert "no process serves; this is what the database alone knows" in said
    assert "database   SQLite" in said and "tenants    1" in said
    assert "warning secrets:" in said  # as `koine doctor` says


def test_the_status_in_json(acme: Terminal) -> None:
    status = acme.json("status")
    assert (status["serving"], status["database"]["kind"]) == (False, "sqlite")
    assert status["backup"] == dict.fromkeys(
        (
            "created_at", "age_seconds", "verified_at", "verified_seconds", "running_on",
            "failed_seconds",
        )
    ) | {"file": "", "size_bytes": 0, "schedule": "", "failures": 0, "error": ""}  # fmt: skip
    assert {each["level"] for each in status["problems"]} == {"warning"}


def test_watching_prints_a_screen_again_and_again(acme: Terminal) -> None:
    words = ("status", "--watch", "--count", "2", "--interval", "0.5")
    assert acme.run(*words).count("\nstate ") == 2
    lines = acme.run(*words, "--json").splitlines()
    assert [json.loads(line)["serving"] for line in lines] == [False, False]


def test_without_a_database_it_says_so_and_creates_none(terminal: Terminal) -> None:
    assert "there is no database yet" in terminal.run("status", code=1)
    assert list(terminal.folder.iterdir()) == []


def test_a_backup_and_its_verification_are_in_the_status(acme: Terminal) -> None:
    acme.run("backup", str(acme.folder / "one.tar"), "--no-verify")
    found = acme.json("status")["backup"]
    assert found["file"] == "one.tar" and found["size_bytes"] > 0
    assert found["age_seconds"] < 60 and found["verified_at"] is None
    acme.run("backup", "--verify", str(acme.folder / "one.tar"))
    found = acme.json("status")["backup"]
    assert found["file"] == "one.tar" and found["verified_seconds"] < 60
