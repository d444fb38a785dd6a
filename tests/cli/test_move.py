"""`koine move`."""

from pathlib import Path

import pytest

from koine.server.move import moving
from tests.cli.terminal import Terminal


def there(folder: Path) -> str:
    return f"sqlite:///{folder / 'there' / 'koine.db'}"


def test_a_server_is_moved_once_and_opened_again(acme: Terminal, tmp_path: Path) -> None:
    target = ("--to", there(tmp_path), "--to-data", str(tmp_path / "there"))
    plan = acme.json("move", *target, "--dry-run")
    assert plan["obstacles"] == [] and plan["rows"]["tenants"] == 1
    assert not (tmp_path / "there").exists()
    made = acme.json("move", *target)
    assert made["rows"]["tenants"] == 1 and len(made["checksums"]["tenants"]) == 32
    (tenant,) = Terminal(tmp_path / "there").json("tenant", "list")
    assert tenant["slug"] == "acme"
    for words in (
        ("tenant", "list"),
        ("tenant", "create", "Other"),
        ("move", *target),
        ("doctor",),
    ):
        assert "--undo" in acme.run(*words, code=1)
    assert "not empty" in acme.run("move", *target, "--dry-run", code=1)
    (tmp_path / "erased.ndjson").touch()  # those whom the other database has erased are back
    said = acme.run("move", "--undo")
    assert "can be served again" in said and "koine person erase-again" in said
    assert acme.json("tenant", "list") == [tenant]


def test_what_people_read(acme: Terminal, tmp_path: Path) -> None:
    target = ("--to", there(tmp_path))
    said = acme.run("move", *target, "--dry-run")
    assert "rows: " in said and "time: about 1 s" in said and "prevented" not in said
    said = acme.run("move", *target)
    assert "the same rows in both" in said and "tenants 1" in said
    assert acme.json("move", "--undo")["was"] == "moved"


@pytest.mark.parametrize(
    ("words", "reason", "code"),
    [
        ((), "--to is needed", 2),
        (("--to", "mysql://there/koine"), "must be postgresql://", 2),
        (("--undo", "--dry-run"), "--undo takes no other option", 2),
        (("--undo",), "no server was moved", 1),
        (("--to", "postgresql://ann:geheim%40x@127.0.0.1:1/koine"), "127.0.0.1:1", 1),
        (("--to", "sqlite:////proc/none/koine.db"), "/proc/none", 1),
    ],
)
def test_what_is_refused(acme: Terminal, words: tuple[str, ...], reason: str, code: int) -> None:
    said = acme.run("move", *words, code=code)
    assert reason in " ".join(said.split()) and "Traceback" not in said and "geheim" not in said


def test_a_server_that_is_not_there_is_not_moved(terminal: Terminal, tmp_path: Path) -> None:
    said = terminal.run("move", "--to", there(tmp_path), code=1)
    assert "there is no database" in said and not (tmp_path / "there").exists()
    assert "no server was moved" in terminal.run("move", "--undo", code=1)
    assert not (tmp_path / "koine.db").exists()


def test_an_interruption_is_one_line(
    acme: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(moving, "_complete", stop)
        assert "interrupted" in acme.run("move", "--to", there(tmp_path), code=130)
    said = acme.run("tenant", "list", code=1)
    assert "is being moved" in said and "goes on" in said
    assert acme.json("move", "--to", there(tmp_path))["resumed"]
