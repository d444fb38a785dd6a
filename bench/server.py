"""Koine as its users run it: `koine serve` in a process of its own."""

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from bench.generator import HOST

SECRET = secrets.token_hex(32)
"""Signs the tokens of this run: the harness makes them by itself."""
TIMEOUT_SECONDS = 30.0
SETTINGS = {
    "KOINE_SECRET_KEY": SECRET,
    "KOINE_DRAIN_SECONDS": "0",
    # A hundred people here do what thousands would, from one address.
    "KOINE_RATE_LIMIT_PER_MINUTE": "0",
    "KOINE_CONNECTIONS_PER_ADDRESS": "0",
    "KOINE_STREAMS_PER_ADDRESS": "0",
    "KOINE_STREAMS_PER_CREDENTIAL": "0",
    "KOINE_INBOX_CONTACTS_PER_ADDRESS": "0",
    "KOINE_INBOX_CONVERSATIONS_PER_CONTACT": "0",
    "KOINE_INBOX_BYTES_PER_ADDRESS": "0",
    "KOINE_INBOX_BYTES_PER_INBOX": "0",
}


class Server:
    """A running server. Use as a context; `first_answer` is in seconds, from start to first 200."""

    def __init__(
        self,
        database_url: str,
        directory: Path,
        workers: int = 1,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._url = database_url
        self._directory = directory
        self._workers = workers
        self._settings = SETTINGS | dict(settings or {})
        self._log = directory / f"koine-{secrets.token_hex(4)}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        self.first_answer = 0.0

    def __enter__(self) -> "Server":
        """Start it and wait for its first answer. Raises RuntimeError with what it said."""
        began = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(), env=self._environment(), stdout=log, stderr=log
            )
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() - began > TIMEOUT_SECONDS:
                self.__exit__()
                raise RuntimeError(f"koine serve does not answer:\n{self._log.read_text()[-3000:]}")
            time.sleep(0.005)
        self.first_answer = time.monotonic() - began
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=TIMEOUT_SECONDS)

    def memory_mb(self) -> float:
        """Resident memory of the process and its children, in MB."""
        assert self._process is not None
        return sum(_resident(pid) for pid in _family(self._process.pid)) / 1e6

    def get(self, path: str, token: str) -> bytes:
        """One request by hand. Raises RuntimeError unless it is answered with a 2xx."""
        return self._ask("GET", path, token, None)

    def post(self, path: str, token: str, body: object) -> bytes:
        """As `get`, with a JSON body."""
        return self._ask("POST", path, token, body)

    def delete(self, path: str, token: str) -> bytes:
        """As `get`."""
        return self._ask("DELETE", path, token, None)

    def _ask(self, method: str, path: str, token: str, body: object) -> bytes:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=TIMEOUT_SECONDS)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, headers)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status // 100 != 2:
            raise RuntimeError(f"{method} {path}: {answer.status} {said[:500]!r}")
        return said

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def _command(self) -> list[str]:
        return [
            sys.executable, "-m", "koine", "serve", "--host", HOST, "--port", str(self.port),
            "--database", self._url, "--workers", str(self._workers),
            "--data", str(self._directory),
        ]  # fmt: skip

    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("KOINE_")}
        return clean | self._settings


def _family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    rows = [line.split() for line in _ps("-eo", "pid=,ppid=")]
    family = [pid]
    for member in family:
        family.extend(int(child) for child, parent in rows if int(parent) == member)
    return family


def _resident(pid: int) -> int:
    """Bytes of resident memory; 0 for a process that is gone."""
    return sum(int(line) for line in _ps("-o", "rss=", "-p", str(pid))) * 1024


def _ps(*words: str) -> list[str]:
    """The lines of ps, which every POSIX system has (Debian: the package procps)."""
    return subprocess.run(["ps", *words], capture_output=True, text=True).stdout.splitlines()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
