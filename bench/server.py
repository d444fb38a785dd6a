"""A server as users run it: `koine serve` in a process of its own."""

import http.client
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from bench.generator import HOST
from tests.support.ports import free_port

SECRET = secrets.token_hex(32)
"""The server's key, with which the benchmark signs its own access tokens."""
TIMEOUT_SECONDS = 30.0
SETTINGS = {
    "KOINE_SECRET_KEY": SECRET,
    "KOINE_DRAIN_SECONDS": "0",
    # All load comes from one address and few credentials.
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
    """A server that runs while the context is open; `first_response` is the time in seconds from
    its start to the first 200."""

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
        self.port = free_port()
        self.first_response = 0.0

    def __enter__(self) -> "Server":
        """Start it and wait until it is ready. Raises RuntimeError with its output."""
        began = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(), env=self._environment(), stdout=log, stderr=log
            )
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() - began > TIMEOUT_SECONDS:
                self.__exit__()
                raise RuntimeError(
                    f"koine serve does not become ready:\n{self._log.read_text()[-3000:]}"
                )
            time.sleep(0.005)
        self.first_response = time.monotonic() - began
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=TIMEOUT_SECONDS)

    def memory_mb(self) -> float:
        """Resident memory of the process and its children, in MB."""
        assert self._process is not None
        return sum(_resident(pid) for pid in _process_tree(self._process.pid)) / 1e6

    def get(self, path: str, token: str) -> bytes:
        """The body of one response. Raises RuntimeError unless it is a 2xx."""
        return self._request("GET", path, token, None)

    def post(self, path: str, token: str, body: object) -> bytes:
        """As `get`, with a JSON body."""
        return self._request("POST", path, token, body)

    def delete(self, path: str, token: str) -> bytes:
        """As `get`."""
        return self._request("DELETE", path, token, None)

    def _request(self, method: str, path: str, token: str, body: object) -> bytes:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=TIMEOUT_SECONDS)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if response.status // 100 != 2:
            raise RuntimeError(f"{method} {path}: {response.status} {content[:500]!r}")
        return content

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


def _process_tree(pid: int) -> list[int]:
    """A process and its descendants."""
    rows = [line.split() for line in _ps("-eo", "pid=,ppid=")]
    tree = [pid]
    for member in tree:  # grows while it is read: the children of children, too
        tree.extend(int(child) for child, parent in rows if int(parent) == member)
    return tree


def _resident(pid: int) -> int:
    """Bytes of resident memory; 0 for a process that has ended."""
    return sum(int(line) for line in _ps("-o", "rss=", "-p", str(pid))) * 1024


def _ps(*options: str) -> list[str]:
    """The lines of ps, which every POSIX system has (Debian: the package procps)."""
    return subprocess.run(["ps", *options], capture_output=True, text=True).stdout.splitlines()
