"""Not a fault, but the next release: the migrations are those of the folder that the variable
NEXT_RELEASE_MIGRATIONS names (tests/support/next_release.py)."""

import os
from pathlib import Path

from koine.server import run
from koine.store import schema

schema._MIGRATIONS = Path(os.environ["NEXT_RELEASE_MIGRATIONS"])

if __name__ == "__main__":
    run.main()
