"""Folders that are expensive to make: one process of a test run makes each, the others wait."""

import fcntl
from collections.abc import Callable
from pathlib import Path


def shared_folder(parent: Path, name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` in `parent`, which the processes of the run share (the fixture
    `run_folder`); `make` fills it if no process has done so."""
    folder, finished = parent / name, parent / f"{name}.finished"
    with (parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            folder.mkdir()
            make(folder)
            finished.touch()
    return folder
