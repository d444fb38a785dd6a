"""Files that only their owner may read."""

import stat
from pathlib import Path

import pytest

from koine.kit import private_files


def modes(root: Path) -> dict[str, int]:
    every = [root, *root.rglob("*")]
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in every}


def test_new_files_and_folders_are_their_owners_alone(tmp_path: Path) -> None:
    root = tmp_path / "data" / "files"
    private_files.make_folders(root / "ab" / "cd", root)
    with private_files.create(root / "ab" / "cd" / "key") as out:
        out.write(b"x")
    assert modes(root) == {"files": 0o700, "ab": 0o700, "cd": 0o700, "key": 0o600}
    with pytest.raises(FileExistsError):
        private_files.create(root / "ab" / "cd" / "key")


def test_files_that_others_could_read_are_restricted_once(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "files", tmp_path / "elsewhere"
    (root / "ab" / "cd").mkdir(parents=True)
    for path in (root / "ab" / "cd" / "key", elsewhere):
        path.write_bytes(b"x")
        path.chmod(0o644)
    (root / "ab" / "link").symlink_to(elsewhere)
    root.chmod(0o755)
    assert private_files.restrict(root)
    closed = {"files": 0o700, "ab": 0o700, "cd": 0o700, "key": 0o600, "link": 0o644}
    assert modes(root) == closed
    assert not private_files.restrict(root)


def test_no_folder_is_nothing_to_restrict(tmp_path: Path) -> None:
    assert not private_files.restrict(tmp_path / "files")
