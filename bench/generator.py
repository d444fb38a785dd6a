"""The load generator: load.c, compiled for each run, and its results."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

SOURCE = Path(__file__).with_name("load.c")
HOST = "127.0.0.1"
STAMP = "@" * 20
"""A placeholder in a request: the generator replaces it by a number that no other request has."""


class LoadResult(Struct, frozen=True):
    """The results of one run; `bytes` is the size of the responses, heads included."""

    requests: int
    failures: int
    seconds: float
    bytes: int
    p50_ms: float
    p99_ms: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Responses a second."""
        return self.requests / self.seconds


class LoadFailed(Exception):
    """The results are invalid: a response was not 2xx, or a connection was lost."""


class Generator:
    """Compiles load.c in a directory, and runs it on files of requests there."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._program = directory / "load"
        compile_to(self._program)

    def prepare(self, name: str, requests: Iterable[bytes]) -> Path:
        """Write requests to a file that `run` takes."""
        path = self._directory / f"{name}.requests"
        with path.open("wb") as file:
            for request in requests:
                file.write(b"%d\n%b" % (len(request), request))
        return path

    def run(self, port: int, requests: Path, connections: int, seconds: float) -> LoadResult:
        """Send random ones of `requests` for `seconds`. Raises LoadFailed."""
        command = [self._program, HOST, port, connections, seconds, requests]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode:
            raise LoadFailed(f"{requests.stem}: {done.stderr}{done.stdout}")
        load = parse(done.stdout)
        if not load.requests:
            raise LoadFailed(f"{requests.stem}: no response in {seconds} s")
        return load


def parse(output: str) -> LoadResult:
    """Decode the output of the generator."""
    return msgspec.json.decode(output, type=LoadResult)


def compile_to(program: Path, source: Path = SOURCE) -> None:
    """Compile the generator, or `source`. Raises SystemExit when there is no C compiler."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise SystemExit(
            "make bench needs a C compiler for its load generator: install gcc or clang "
            "(Debian: apt install gcc libc6-dev), or set CC to its path"
        )
    subprocess.run([compiler, "-O2", "-o", program, source], check=True)


def get(path: str, token: str) -> bytes:
    """The bytes of a GET request."""
    return _head("GET", path, token) + b"\r\n"


def post(path: str, token: str, body: object, *, key: bool = False) -> bytes:
    """The bytes of a POST request with a JSON body; `key` adds a new Idempotency-Key each time."""
    text = msgspec.json.encode(body)
    extra = f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    if key:
        extra = f'Idempotency-Key: "{STAMP}"\r\n{extra}'
    return _head("POST", path, token) + extra.encode() + text


def _head(method: str, path: str, token: str) -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nAccept: application/json\r\n"
        f"Authorization: Bearer {token}\r\n"
    ).encode()
