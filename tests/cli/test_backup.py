"""The commands `backup` and `restore`."""

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from koine.cli import app
from tests.cli.terminal import Terminal
from tests.support.restricted_role import restricted_role
from tests.support.shared_postgres import SharedPostgres


def only_backup(folder: Path) -> Path:
    (found,) = folder.glob("koine-*.tar")
    return found


def test_a_backup_goes_into_a_folder_and_is_verified(acme: Terminal, tmp_path: Path) -> None:
    said = acme.run("backup", str(tmp_path))
    backup = only_backup(tmp_path)
    assert str(backup) in said and "tenants 1" in said and "can be restored" in said
    assert "can be restored" in acme.run("backup", "--verify", str(backup))


@pytest.mark.parametrize("name", ["backups", "backups/", "backups.tar/"])
def test_a_missing_folder_is_created_and_its_backups_are_kept(
    acme: Terminal, tmp_path: Path, name: str
) -> None:
    target = f"{tmp_path}/{name}"
    for count in (1, 2):
        acme.run("backup", target, "--no-verify")
        assert len(list(Path(target).glob("koine-*.tar"))) == count
    assert stat.S_IMODE(Path(target).stat().st_mode) == 0o700


def test_an_existing_file_is_not_overwritten(acme: Terminal, tmp_path: Path) -> None:
    backup, other = tmp_path / "b.tar", tmp_path / "b"
    acme.run("backup", str(backup), "--no-verify")
    other.write_bytes(before := backup.read_bytes())
    said = acme.run("backup", str(backup), code=1)
    assert said == f"koine: there is a backup already: name another file than {backup}\n"
    assert "is a file: name a folder" in acme.run("backup", str(other), code=1)
    assert backup.read_bytes() == other.read_bytes() == before


@pytest.mark.parametrize("name", ["b.tar", "backups"])
def test_a_backup_into_a_missing_folder_names_it(acme: Terminal, tmp_path: Path, name: str) -> None:
    missing = tmp_path / "missing"
    said = acme.run("backup", str(missing / name), code=1)
    assert said == f"koine: the folder {missing} does not exist\n"


def test_a_folder_that_takes_no_files_is_named(acme: Terminal) -> None:
    said = acme.run("backup", "/proc/b.tar", code=1)
    assert said.startswith("koine: no file can be created in the folder /proc: ")
    assert "/proc/backups cannot be created: " in acme.run("backup", "/proc/backups", code=1)


def test_a_backup_in_a_folder_that_takes_no_files_is_named(acme: Terminal, tmp_path: Path) -> None:
    backup = Path("/proc/version")
    said = acme.run("backup", "--verify", str(backup), code=1)
    assert said.startswith(f"koine: {backup}: no file can be created in the folder /proc: ")


def test_verification_can_be_skipped(acme: Terminal, tmp_path: Path) -> None:
    assert "restored" not in acme.run("backup", str(tmp_path / "b.tar"), "--no-verify")
    assert "not both" in acme.run("backup", "b", "--verify", "--no-verify", code=1)


def test_only_the_backups_to_keep_are_kept(acme: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    first = acme.json("backup", str(folder), "--keep", "2")
    assert first["verified"] and first["removed"] == []
    second = acme.json("backup", str(folder), "--no-verify")
    plan = acme.json("backup", str(folder), "--keep", "1", "--dry-run")
    assert [(each["backup"], each["action"], each["why"]) for each in plan] == [
        (second["backup"], "keep", "not verified, newest"),
        (first["backup"], "keep", "newest verified"),
    ]
    said = acme.run("backup", str(folder), "--keep", "1")
    assert said.count("removed ") == 2 and f"removed {first['backup']}" in said
    assert not Path(first["backup"]).exists()
    assert len(list(folder.iterdir())) == 2  # one backup and its info file


def test_backups_of_another_server_are_listed_and_kept(acme: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    other = Terminal(tmp_path / "other")
    other.run("tenant", "create", "Other")
    theirs = other.json("backup", str(folder))["backup"]
    acme.run("backup", str(folder), "--keep", "1")
    ours = acme.json("backup", str(folder), "--keep", "1")["backup"]
    broken = folder / "koine-20200101T000000.000Z.tar"
    broken.write_text("nothing")
    listed = {each["backup"]: each for each in acme.json("backup", str(folder), "--list")}
    assert listed.keys() == {theirs, ours, str(broken)}
    assert (listed[ours]["ours"], listed[theirs]["ours"], listed[str(broken)]["ours"]) == (
        True, False, None,
    )  # fmt: skip
    assert listed[str(broken)]["damaged"] and listed[ours]["verified_at"]
    assert listed[ours]["size_bytes"] == Path(ours).stat().st_size
    assert 0 <= listed[ours]["age_seconds"] < 600
    printed = acme.run("backup", str(folder), "--list")
    assert "damaged" in printed and ours in printed


def test_a_backup_without_its_info_file_is_described_by_its_manifest(
    acme: Terminal, tmp_path: Path
) -> None:
    backup = Path(acme.json("backup", str(tmp_path / "backups"))["backup"])
    backup.with_name(f"{backup.name}.json").unlink()
    (found,) = acme.json("backup", str(backup.parent), "--list")
    assert found["ours"] and found["verified_at"] is None
    acme.run("backup", "--verify", str(backup))
    (found,) = acme.json("backup", str(backup.parent), "--list")
    assert found["verified_at"]


def test_the_settings_say_where_and_what_is_kept(
    acme: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "KOINE_BACKUP_TO" in acme.run("backup", code=2)
    monkeypatch.setenv("KOINE_BACKUP_TO", str(tmp_path / "backups"))
    monkeypatch.setenv("KOINE_BACKUP_KEEP", "1")
    acme.run("backup")
    assert len(acme.json("backup")["removed"]) == 1
    # Of another folder nothing is removed unasked.
    for _ in range(2):
        assert acme.json("backup", "--to", str(tmp_path / "elsewhere"))["removed"] == []


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["--keep", "7d", "--no-verify"], 1, "leave --no-verify"),
        (["--keep", "7d", "--list"], 1, "--list"),
        (["--keep", "soon"], 2, "each unit once"),
        (["--dry-run"], 1, "KOINE_BACKUP_KEEP"),
        (["--list", "--dry-run"], 1, "stands alone"),
        (["--to", "there"], 2, "not both"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    acme: Terminal, tmp_path: Path, words: list[str], code: int, reason: str
) -> None:
    assert reason in acme.run("backup", str(tmp_path / "backups"), *words, code=code)
    assert not (tmp_path / "backups").exists()


def test_a_folder_that_is_missing_has_no_list(acme: Terminal, tmp_path: Path) -> None:
    assert "does not exist" in acme.run("backup", str(tmp_path / "none"), "--list", code=1)


def test_a_restored_database_has_the_data_of_the_backup(acme: Terminal, tmp_path: Path) -> None:
    acme.run("backup", str(tmp_path / "b.tar"))
    elsewhere = Terminal(tmp_path / "elsewhere")
    assert "it is restored" in elsewhere.run("restore", str(tmp_path / "b.tar"))
    assert [each["slug"] for each in elsewhere.json("tenant", "list")] == ["acme"]
    assert "--force" in elsewhere.run("restore", str(tmp_path / "b.tar"), code=1)
    elsewhere.run("restore", str(tmp_path / "b.tar"), "--force")


def test_a_file_that_is_no_backup_is_an_error(acme: Terminal, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_text("hello")
    assert "not a backup" in acme.run("backup", "--verify", str(tmp_path / "b.tar"), code=1)
    assert "no backup" in acme.run("restore", str(tmp_path / "c.tar"), code=1)


def test_a_backup_of_no_database_is_an_error(terminal: Terminal, tmp_path: Path) -> None:
    assert "there is no database" in terminal.run("backup", str(tmp_path / "b.tar"), code=1)
    assert list(tmp_path.glob("*.tar")) == []


def test_without_createdb_the_backup_is_kept_and_not_verified(
    shared_postgres: SharedPostgres, terminal: Terminal, tmp_path: Path
) -> None:
    backup = tmp_path / "b.tar"
    with restricted_role(shared_postgres.new_empty_database()) as url:
        env = {
            "KOINE_DATABASE_URL": url, "KOINE_DATA_DIR": str(terminal.folder),
            "KOINE_POSTGRES_PROGRAMS": shared_postgres.programs(),
        }  # fmt: skip

        def run(*words: str) -> tuple[int, str]:
            done = CliRunner().invoke(app, words, env=env)
            return done.exit_code, done.output

        assert run("migrate")[0] == 0
        code, said = run("backup", str(backup))
        assert (code, backup.is_file()) == (3, True)
        assert f"{backup}: written, not verified: " in said and "grant CREATEDB" in said
        code, said = run("backup", "--verify", str(backup))
        assert code == 1 and "not verified: " in said
        assert run("backup", str(tmp_path / "c.tar"), "--no-verify")[0] == 0
