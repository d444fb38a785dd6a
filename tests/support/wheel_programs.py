"""Programs that wheels bring: nats-server, litestream, rclone."""

import shutil
import sys
from pathlib import Path


def wheel_program(name: str) -> str:
    """The path of a program that the wheel `<name>-bin` installs beside Python, or else of the
    system's. Raises RuntimeError where there is neither."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise RuntimeError(f"no {name} found: install it, or {name}-bin")
    return found
