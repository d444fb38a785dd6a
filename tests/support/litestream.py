"""Litestream, which copies the write-ahead log of a SQLite file to another place as it grows.

with Litestream(database, folder) as litestream:
    litestream.restore(copy, "2026-11-30T12:00:00.000Z")

It ends with the context, or when the process that started it ends.
"""

import subprocess
from pathlib import Path

from tests.support.nats import end_with_us
from tests.support.wheel_programs import wheel_program


class Litestream:
    """Replicates a database into the folder `replica` of a folder."""

    def __init__(self, database: Path, folder: Path) -> None:
        self._database = database
        self._config = folder / "litestream.yml"
        self._log = folder / "litestream.log"
        self._config.write_text(
            f"dbs:\n  - path: {database}\n    replicas:\n"
            f"      - {{type: file, path: {folder / 'replica'}, sync-interval: 100ms}}\n"
            "    monitor-interval: 100ms\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Litestream":
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [wheel_program("litestream"), "replicate", "-config", str(self._config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end_with_us(self._process.pid)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def restore(self, copy: Path, at: str = "") -> bool:
        """Write the database as it was `at` this time (ISO 8601), "" for the latest that is known,
        to a file; returns whether there was anything yet."""
        for left in copy.parent.glob(f"{copy.name}*"):
            left.unlink()
        when = ["-timestamp", at] if at else []
        done = subprocess.run(
            [wheel_program("litestream"), "restore", "-config", str(self._config), *when,
             "-o", str(copy), str(self._database)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode == 0

    def log(self) -> str:
        """What it has logged."""
        return self._log.read_text()
