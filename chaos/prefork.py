"""Servers by the thousand: forked from a process that has read the product's code already.

A server is the very `koine.server` in a process of its own; only the reading of its modules, half a
second of it, is done once for all of them. What can be killed and lost is all in the child.
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
    """The process that forks. Use as a context; its servers do not outlive it for long."""

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
        """The process that forks."""
        return self._process.pid

    def __enter__(self) -> "Prefork":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and every server that it forked."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def fork(self, environment: Mapping[str, str], log: Path, sabotage: str = "") -> "ForkedServer":
        """A new server with this environment, that writes to the end of `log`; with the fault of a
        module of chaos/planted_faults if one is named."""
        pid = self.request(
            do="fork", environment=dict(environment), log=str(log), sabotage=sabotage
        )
        return ForkedServer(self, pid or 0)

    def request(self, **order: object) -> int | None:
        """Have something done; answers a number or nothing."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: int | None = json.loads(self._process.stdout.readline())
        return answer


@functools.cache
def shared_prefork() -> Prefork:
    """The one of this process: started when first asked for, ended when this process ends."""
    made = Prefork()
    atexit.register(made.close)
    return made


class ForkedServer:
    """A process as subprocess.Popen would show it."""

    def __init__(self, warm: Prefork, pid: int) -> None:
        self._warm = warm
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, None while it runs; negative is the signal that ended it."""
        if self.returncode is None:
            self.returncode = self._warm.request(do="poll", pid=self.pid)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Wait for its end. Raises TimeoutError."""
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise TimeoutError(f"process {self.pid} does not end")
            time.sleep(0.001)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)


def _serve_requests() -> None:
    """Do what the lines of standard input say, until it is closed; then end every server."""
    alive: set[int] = set()
    life = os.pipe()
    for line in sys.stdin:
        order = json.loads(line)
        answer: int | None
        if order["do"] == "fork":
            answer = _fork(order, life)
            alive.add(answer)
        else:
            answer = _poll(order["pid"])
            if answer is not None:
                alive.discard(order["pid"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in alive:
        os.kill(pid, signal.SIGKILL)


def _fork(order: dict[str, Any], life: tuple[int, int]) -> int:
    if pid := os.fork():
        return pid
    code = 1
    try:
        os.setsid()
        os.close(life[1])
        threading.Thread(target=_exit_with_parent, args=(life[0],), daemon=True).start()
        nothing = os.open(os.devnull, os.O_RDONLY)
        written = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        for to, opened in ((0, nothing), (1, written), (2, written)):
            os.dup2(opened, to)
        os.environ.clear()
        os.environ.update(order["environment"])
        if order["sabotage"]:
            importlib.import_module(f"chaos.planted_faults.{order['sabotage']}")
        run.main()
        code = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stderr.flush()
        os._exit(code)


def _exit_with_parent(life: int) -> None:
    """End this server, workers and all, when nobody holds the other end of the pipe: a kill -9 of
    the rig and of the process that forks leaves nobody else to do it."""
    os.read(life, 1)
    os.killpg(0, signal.SIGKILL)


def _poll(pid: int) -> int | None:
    done, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if done else None


if __name__ == "__main__":
    _serve_requests()
