"""The data folder: the uploads are in it, and the SQLite file if there is one."""

import os
import tempfile
from pathlib import Path

from koine.kit.settings import Settings
from koine.server.database import StartupError

ADVICE = "give it to the user that runs koine, or name another with KOINE_DATA_DIR"


def reason_not_writable(folder: Path) -> str:
    """Why no file can be created in the folder, "" if one can; it creates none that remains. A
    folder that does not exist must be one that can be created."""
    existing = folder.absolute()
    try:
        existing = nearest_existing(folder)
        if not existing.is_dir():
            return f"{existing} is no folder"
        with tempfile.TemporaryFile(dir=existing):
            return ""
    except OSError as error:
        return f"{existing}: {os.strerror(error.errno) if error.errno else error}"


def nearest_existing(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    absolute = path.absolute()
    return next(each for each in (absolute, *absolute.parents) if each.exists())


def make_data_folder(settings: Settings) -> None:
    """Create the folder if it does not exist. Raises StartupError."""
    folder = Path(settings.data_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartupError(
            f"the data folder {folder} cannot be created: {error.strerror}: {ADVICE}"
        ) from None
