"""`koine tenant export`, `verify` and `import`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from koine.cli import app
from tests.cli.terminal import Terminal


def verify(*words: str, input: str | None = None, code: int = 0) -> str:
    """Run `koine tenant verify`, which takes no database."""
    result = CliRunner().invoke(app, ["tenant", "verify", *words], input=input)
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


@pytest.fixture
def passphrase(tmp_path: Path) -> str:
    path = tmp_path / "passphrase"
    path.write_text("correct horse battery\n")
    return str(path)


def test_a_tenant_is_exported_verified_and_imported_elsewhere(
    acme: Terminal, tmp_path: Path, passphrase: str
) -> None:
    file, key = str(tmp_path / "acme.koine"), ("--passphrase-file", passphrase)
    exported = acme.json("tenant", "export", "acme", file, *key)
    assert exported["rows"]["tenants"] == 1 and exported["left_out"] == []
    verified = json.loads(verify(file, *key, "--json"))
    assert verified["rows"] == exported["rows"] and len(verified["digest"]) == 64
    other = Terminal(tmp_path / "other")
    other.run("migrate")
    imported = other.json("tenant", "import", file, *key)
    assert (imported["tenant"]["slug"], imported["new_ids"]) == ("acme", False)
    (listed,) = other.json("tenant", "list")
    assert listed["id"] == exported["tenant"]["id"] == imported["tenant"]["id"]


def test_a_copy_is_imported_beside_the_original(acme: Terminal, tmp_path: Path) -> None:
    file = str(tmp_path / "acme.koine")
    acme.run("tenant", "export", "acme", file)
    assert "--as NAME" in acme.run("tenant", "import", file, code=1)
    said = acme.run("tenant", "import", file, "--as", "Acme Staging")
    assert "tenant acme-staging imported" in said and "it has new ids" in said
    assert {each["slug"] for each in acme.json("tenant", "list")} == {"acme", "acme-staging"}
    assert acme.run("tenant", "discard") == "discarded: none\n"


def test_what_people_read(acme: Terminal, tmp_path: Path) -> None:
    file = str(tmp_path / "acme.koine")
    words = ["tenant", "export", "acme", file, "--with-secrets", "--data", str(acme.folder)]
    result = CliRunner().invoke(app, words, env={"KOINE_DATABASE_URL": ""})
    assert "plain text" in result.stderr and "KiB" in result.stdout
    assert "every row and every file" in verify(file)


def test_what_is_refused(acme: Terminal, tmp_path: Path, passphrase: str) -> None:
    file, secret = str(tmp_path / "acme.koine"), str(tmp_path / "secret.koine")
    acme.run("tenant", "export", "acme", file)
    acme.run("tenant", "export", "acme", secret, "--passphrase-file", passphrase)
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.write_text("")
    binary.write_bytes(b"\xff\xfe")
    for words, reason in [
        (("export", "acme", file), "exists already"),
        (("export", "nobody", str(tmp_path / "x")), "no such tenant"),
        (("export", "acme", str(tmp_path / "no" / "x")), "No such file or directory"),
        (("export", "acme", str(tmp_path / "x"), "--passphrase-file", str(empty)), "12 characters"),
        (("export", "acme", "x", "--passphrase-file", str(tmp_path / "no")), "No such file"),
        (("import", file, "--as", "!!"), "a slug has"),
    ]:
        said = acme.run("tenant", *words, code=1)
        assert reason in said and "Traceback" not in said, said
    acme.run("tenant", "export", "acme", code=2)
    for words, reason in [
        ((str(tmp_path / "no"),), "No such file"),
        ((passphrase,), "no archive of a tenant"),
        ((secret,), "--passphrase-file"),
        ((secret, "--passphrase-file", str(binary)), "is no text"),
    ]:
        said = verify(*words, code=1)
        assert reason in said and "Traceback" not in said, said


def test_a_passphrase_is_read_from_standard_input(acme: Terminal, tmp_path: Path) -> None:
    file = str(tmp_path / "acme.koine")
    given = ("--passphrase-file", "-")
    acme.run("tenant", "export", "acme", file, *given, input="correct horse battery\n")
    verify(file, *given, input="correct horse battery\n")
    wrong = verify(file, *given, input="another horse battery\n", code=1)
    assert "passphrase is wrong" in wrong
