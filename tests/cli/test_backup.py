"""The commands `backup` and `restore`."""

from pathlib import Path

from tests.cli.terminal import Terminal


def only_archive(folder: Path) -> Path:
    (found,) = folder.glob("koine-*.tar")
    return found


def test_a_backup_goes_into_a_folder_and_is_verified(acme: Terminal, tmp_path: Path) -> None:
    said = acme.run("backup", str(tmp_path))
    archive = only_archive(tmp_path)
    assert str(archive) in said and "tenants 1" in said and "can be restored" in said
    assert "can be restored" in acme.run("backup", "--verify", str(archive))


def test_verification_can_be_skipped(acme: Terminal, tmp_path: Path) -> None:
    assert "restored" not in acme.run("backup", str(tmp_path / "b.tar"), "--no-verify")
    assert "not both" in acme.run("backup", "b", "--verify", "--no-verify", code=1)


def test_a_restored_database_has_the_data_of_the_backup(acme: Terminal, tmp_path: Path) -> None:
    acme.run("backup", str(tmp_path / "b.tar"))
    elsewhere = Terminal(tmp_path / "elsewhere")
    assert "it is restored" in elsewhere.run("restore", str(tmp_path / "b.tar"))
    assert [each["slug"] for each in elsewhere.json("tenant", "list")] == ["acme"]
    assert "--force" in elsewhere.run("restore", str(tmp_path / "b.tar"), code=1)
    elsewhere.run("restore", str(tmp_path / "b.tar"), "--force")


def test_a_file_that_is_no_archive_is_an_error(acme: Terminal, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_text("hello")
    assert "not an archive" in acme.run("backup", "--verify", str(tmp_path / "b.tar"), code=1)
    assert "no archive" in acme.run("restore", str(tmp_path / "c.tar"), code=1)


def test_a_backup_of_no_database_is_an_error(terminal: Terminal, tmp_path: Path) -> None:
    assert "there is no database" in terminal.run("backup", str(tmp_path / "b.tar"), code=1)
    assert list(tmp_path.glob("*.tar")) == []
