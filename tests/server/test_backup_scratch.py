"""What processes that were killed left in the folder of backups is removed."""

import os
import time
from pathlib import Path

from koine.server.backup.scratch import scratch_folder

LONG_AGO = time.time() - 7200


def old(path: Path) -> Path:
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def test_a_scratch_folder_is_removed_with_what_is_in_it(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as folder:
        (folder / "database").write_text("rows")
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / ".koine-killed"
    left.mkdir()
    (left / "database").write_text("rows")
    old(left)
    (tmp_path / ".koine-1.tar.x.part").write_text("half")
    old(tmp_path / ".koine-1.tar.x.part")
    with scratch_folder(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_what_is_in_use_or_not_ours_is_not_removed(tmp_path: Path) -> None:
    for name in (".koine-new", ".other", "koine-1.tar"):
        (tmp_path / name).mkdir()
    old(tmp_path / ".other"), old(tmp_path / "koine-1.tar")
    (tmp_path / ".koine-2.tar.y.part").write_text("being written")
    with scratch_folder(tmp_path) as used:
        before = set(tmp_path.iterdir())
        old(used)
        with scratch_folder(tmp_path) as another:
            assert set(tmp_path.iterdir()) == before | {another}
