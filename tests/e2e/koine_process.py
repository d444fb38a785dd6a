"""`koine serve` with the demonstration, as a process on a free port."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from koine.cli import app
from tests.support.ports import free_port
from tests.support.shared_folder import shared_folder

KOINE = Path(sys.executable).with_name("koine")
ENV = {
    "PATH": os.environ["PATH"],
    "LANG": "C.UTF-8",
    "KOINE_UNSAFE_DATABASE": "true",
    "KOINE_DRAIN_SECONDS": "0",
}
"""The environment of the process, without the KOINE_ variables of the developer. The tests'
PostgreSQL does not sync, and there is no load balancer to wait for."""
STARTS_WITHIN = 60
STOPS_WITHIN = 30


class KoineProcess:
    """A running `koine serve --demo`."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, port: int) -> None:
        self.process = process
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"

    @property
    def output(self) -> str:
        """Its standard output so far."""
        return (self.folder / "out").read_text()

    def log(self) -> str:
        """Its log so far."""
        return (self.folder / "log").read_text()

    @cached_property
    def demo(self) -> Any:
        """The output of `koine demo --json`, run once while the server runs."""
        return self.demo_of("")

    def demo_of(self, url: str) -> Any:
        """As `demo`, for the database with this URL; "" is the file in the data folder."""
        data = str(self.folder / "data")
        return json.loads(koine("demo", "--json", "--data", data, "--database", url))

    def stop(self) -> int:
        """Send SIGTERM; return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOPS_WITHIN)


def koine(*words: str) -> str:
    """Run a command in this process, which saves the second of an import; return its output."""
    env: dict[str, str | None] = {name: None for name in os.environ if name.startswith("KOINE_")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("koine.kit.logs.configure", lambda *_, **__: None)
        done = CliRunner().invoke(app, words, env=env | ENV)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def koine_program(*words: str) -> str:
    """As `koine`, in a new process."""
    done = subprocess.run([KOINE, *words], env=ENV, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def copy_demo(shared: Path, data: Path) -> None:
    """Make the data folder of a demonstration, by copying one that is created once for a run."""
    made = shared_folder(shared, "demo", lambda folder: _make_demo(folder / "data"))
    shutil.copytree(made / "data", data)


def _make_demo(data: Path) -> None:
    koine("demo", "--data", str(data))


@contextmanager
def served(
    folder: Path,
    *words: str,
    settings: Mapping[str, str] | None = None,
    program: Path = KOINE,
) -> Iterator[KoineProcess]:
    """Serve the demonstration, with its data in `folder`/data, until the context ends."""
    env = ENV | dict(settings or {})
    port = free_port()
    command = [str(program), "serve", "--demo", "--data", "data", "--port", str(port), *words]
    with (folder / "out").open("wb") as out, (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=out, stderr=log)
    running = KoineProcess(process, folder, port)
    try:
        _wait(running)
        yield running
    finally:
        process.kill()
        process.wait()


def _wait(running: KoineProcess) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            if httpx.get(f"{running.url}/readyz", timeout=10).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        alive = running.process.poll() is None and time.monotonic() < until
        assert alive, (running.folder / "log").read_text()
        time.sleep(0.02)
