"""`koine person` and `koine compact`."""

import json
import os
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.cli.terminal import Terminal

NOBODY: dict[str, object] = {"erased": [], "held": [], "missing": 0}
ANNA = ("user", "create", "anna@shop.test", "--name", "Anna Example")


@pytest.fixture
def anna(acme: Terminal) -> str:
    """The id of a user."""
    return str(acme.json(*ANNA)["id"])


def test_a_person_is_found_exported_and_erased(acme: Terminal, anna: str, tmp_path: Path) -> None:
    (found,) = acme.json("person", "find", "anna@shop")
    assert (found["id"], found["state"]) == (anna, "active")
    zipped = tmp_path / "anna.zip"
    assert acme.json("person", "export", "anna@shop.test", str(zipped))["id"] == anna
    assert json.loads(ZipFile(zipped).read("person.json"))["profile"]["name"] == "Anna Example"
    assert zipped.stat().st_mode & 0o777 == 0o600
    assert "exists already" in acme.run("person", "export", anna, str(zipped), code=1)
    assert acme.json("person", "erase", anna, "--yes")["counts"]["people"] == 1
    (listed,) = acme.json("person", "erasures")
    assert (listed["id"], listed["messages"]) == (anna, "erase")
    said = acme.run("person", "erasures")
    assert said.rstrip().endswith("people: 1") and not set("{}'") & set(said)
    assert "no such person" in acme.run("person", "erase", "anna@shop.test", "--yes", code=1)
    after = acme.json("compact")
    assert after["bytes_after"] > 0
    stored = [file for file in tmp_path.iterdir() if file.is_file() and file != zipped]
    assert all(b"Anna Example" not in file.read_bytes() for file in stored)


def test_it_asks_first(acme: Terminal, anna: str) -> None:
    said = acme.run("person", "erase", anna, input="n\n", code=1)
    assert "Anna Example" in said
    assert acme.json("person", "erasures") == []
    acme.run("person", "erase", anna, input="y\n")
    assert len(acme.json("person", "erasures")) == 1


def test_an_email_of_several_people_is_refused(acme: Terminal, anna: str) -> None:
    acme.run("tenant", "create", "Other")
    assert "several tenants" in acme.run("person", "find", "anna", code=1)


def test_those_whom_a_restored_backup_brings_back_are_erased_again(
    acme: Terminal, anna: str, tmp_path: Path
) -> None:
    backup = tmp_path / "b" / "old.tar"
    backup.parent.mkdir()
    acme.run("backup", str(backup), "--no-verify")
    acme.run("person", "erase", anna, "--yes")
    said = acme.run("restore", str(backup), "--force")
    assert "koine person erase-again" in said
    assert acme.json("person", "find", "anna@shop")[0]["name"] == "Anna Example"
    acme.run("retention", "hold", "user", anna, "--reason", "case 4711")
    assert f"a legal hold keeps the data of {anna}" in acme.run("person", "erase-again", code=1)
    acme.run("retention", "release", anna)
    again = acme.json("person", "erase-again")
    assert ([each["id"] for each in again["erased"]], again["missing"]) == ([anna], 0)
    assert acme.json("person", "find", "anna@shop") == []
    assert acme.json("person", "erase-again") == NOBODY
    other = tmp_path / "other"
    other.write_text("hello\n")
    assert "no list" in acme.run("person", "erase-again", str(other), code=1)
    os.unlink(tmp_path / "erased.ndjson")
    assert acme.json("person", "erase-again") == NOBODY
