"""Whether files can be created in the data folder is found out by creating one."""

import os
from pathlib import Path

import pytest

from koine.kit.settings import load
from koine.server.data_folder import make_data_folder, reason_not_writable
from koine.server.database import StartupError

needs_rights = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


def test_a_folder_that_can_be_written_stays_as_it_is(tmp_path: Path) -> None:
    assert reason_not_writable(tmp_path) == ""
    assert reason_not_writable(tmp_path / "a" / "b") == ""
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert reason_not_writable(tmp_path / "file") == f"{tmp_path}/file is no folder"
    assert reason_not_writable(tmp_path / "file" / "data") == f"{tmp_path}/file is no folder"


def test_a_file_system_that_takes_no_files_is_reported() -> None:
    assert reason_not_writable(Path("/proc/koine")).startswith("/proc: ")


@needs_rights
def test_a_folder_of_another_user_is_reported(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    assert reason_not_writable(locked / "data") == f"{locked}: Permission denied"
    locked.chmod(0)
    assert "Permission denied" in reason_not_writable(locked / "data")


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    make_data_folder(load({}, {"data_dir": str(tmp_path / "a" / "b")}))
    assert (tmp_path / "a" / "b").is_dir()
    with pytest.raises(StartupError, match="cannot be created: Not a directory"):
        make_data_folder(load({}, {"data_dir": str(tmp_path / "file" / "data")}))
