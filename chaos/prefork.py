"""Servers that start fast: forked from a process that has already imported the product.

A server is `koine.server` in a process of its own, as always; only the import of the modules, half
a second, is done once for all of them. Database connections, sockets and threads are created in the
child, so a kill of the child loses what a kill of a normally started server would lose.
"""

import atexit
import functools
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from koine.server import run

ROOT = Path(__file__).parent.parent


class Prefork:
    """The process that forks. Use as a context; its servers are killed when it ends."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chaos.prefork"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C must not end it before the caller has ended its servers in order.
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The pid of the process that forks."""
        return self._process.pid

    def __enter__(self) -> "Prefork":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and all servers that it forked."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def fork(self, environment: Mapping[str, str], log: Path, fault: str = "") -> "ForkedServer":
        """Fork a server with this environment that appends its output to `log`. `fault` names a
        module of chaos/planted_faults."""
        pid = self.request(action="fork", environment=dict(environment), log=str(log), fault=fault)
        return ForkedServer(self, pid or 0)

    def request(self, **command: object) -> int | None:
        """Send one command to the process that forks, and return its result."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        result: int | None = json.loads(self._process.stdout.readline())
        return result


@functools.cache
def shared_prefork() -> Prefork:
    """The shared one of this process: started at the first call, closed when this process ends."""
    prefork = Prefork()
    atexit.register(prefork.close)
    return prefork


class ForkedServer:
    """A forked process, with the methods of subprocess.Popen that `Server` uses."""

    def __init__(self, prefork: Prefork, pid: int) -> None:
        self._prefork = prefork
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code; None while it runs; negative: the signal that ended it."""
        if self.returncode is None:
            self.returncode = self._prefork.request(action="poll", pid=self.pid)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Wait until it has ended; return the exit code. Raises TimeoutError."""
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise TimeoutError(f"process {self.pid} does not end")
            time.sleep(0.001)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def _execute_commands() -> None:
    """Execute the commands on standard input, one JSON object a line, until it is closed; then kill
    the servers that still run."""
    alive: set[int] = set()
    parent_pipe = os.pipe()
    for line in sys.stdin:
        command = json.loads(line)
        result: int | None
        if command["action"] == "fork":
            result = _fork(command, parent_pipe)
            alive.add(result)
        else:
            result = _poll(command["pid"])
            if result is not None:
                alive.discard(command["pid"])
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()
    for pid in alive:
        os.kill(pid, signal.SIGKILL)


def _fork(command: dict[str, Any], parent_pipe: tuple[int, int]) -> int:
    if pid := os.fork():
        return pid
    code = 1
    try:
        os.setsid()
        os.close(parent_pipe[1])
        threading.Thread(target=_exit_with_parent, args=(parent_pipe[0],), daemon=True).start()
        stdin = os.open(os.devnull, os.O_RDONLY)
        output = os.open(command["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        for target, source in ((0, stdin), (1, output), (2, output)):
            os.dup2(source, target)
        os.environ.clear()
        os.environ.update(command["environment"])
        if command["fault"]:
            importlib.import_module(f"chaos.planted_faults.{command['fault']}")
        run.main()
        code = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stderr.flush()
        os._exit(code)


def _exit_with_parent(parent_pipe: int) -> None:
    """Kill this server and its workers when the other end of the pipe is closed, which the kernel
    does when the process that forks ends, even by kill -9."""
    os.read(parent_pipe, 1)
    os.killpg(0, signal.SIGKILL)


def _poll(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


if __name__ == "__main__":
    _execute_commands()
