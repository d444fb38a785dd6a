"""An S3 store for tests: rclone's, with signatures checked, over a folder.

    with S3Server(folder) as store:
        store.settings()
        store.objects("bucket/prefix")

It ends with the context, or when the process that started it ends.
"""

import subprocess
import time
from pathlib import Path

from tests.support.nats import end_with_us
from tests.support.ports import HOST, free_port
from tests.support.wheel_programs import wheel_program

ACCESS_KEY, SECRET_KEY = "koine-test-access-key", "koine-test-secret-key-0123456789"
BUCKET = "backups"
STARTS_WITHIN = 20.0
POLL_SECONDS = 0.02


class S3Server:
    """A store with an empty bucket, in a folder that it makes."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://{HOST}:{self.port}"

    def settings(self) -> dict[str, str]:
        """The variables by which Koine reaches it."""
        return {
            "KOINE_S3_ENDPOINT": self.endpoint,
            "KOINE_S3_ACCESS_KEY": ACCESS_KEY,
            "KOINE_S3_SECRET_KEY": SECRET_KEY,
        }

    def path(self, prefix: str) -> Path:
        """The folder of a prefix, or the file of an object."""
        return self._folder / "buckets" / BUCKET / prefix

    def objects(self, prefix: str) -> set[str]:
        """The names of the objects directly below a prefix."""
        return {each.name for each in self.path(prefix).glob("*") if each.is_file()}

    def __enter__(self) -> "S3Server":
        self.path("").mkdir(parents=True)
        keys = ("--auth-key", f"{ACCESS_KEY},{SECRET_KEY}")
        options = (
            *keys,
            "--addr",
            f"{HOST}:{self.port}",
            "--config",
            "",
            "--dir-cache-time",
            "1ms",
            "-vv",
        )
        program = wheel_program("rclone")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [program, "serve", "s3", *options, str(self._folder / "buckets")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"HOME": str(self._folder)},
            )
        end_with_us(self._process.pid)
        deadline = time.monotonic() + STARTS_WITHIN
        while "Starting s3 server" not in self.log():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.__exit__()
                raise RuntimeError(f"the S3 server does not start:\n{self.log()[-3000:]}")
            time.sleep(POLL_SECONDS)
        return self

    def log(self) -> str:
        """What it has logged: each request, among others."""
        return self._log.read_text()

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
