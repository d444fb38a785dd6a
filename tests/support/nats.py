"""A temporary NATS cluster of real servers, which tests kill, pause and start again.

    with NatsCluster(3).start() as cluster:
        cluster.pause(0)
        cluster.kill(1)

The servers store nothing on disk but their logs, in a temporary directory.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.support.ports import free_ports
from tests.support.wheel_programs import wheel_program

HOST = "127.0.0.1"
STARTS_WITHIN = 20.0
POLL_SECONDS = 0.02


class NatsCluster:
    """`n` servers on free ports of 127.0.0.1, numbered from 0. `config` is text for the servers'
    configuration file. The servers also end when the process that started them ends.
    """

    def __init__(self, n: int = 3, config: str = "") -> None:
        ports = free_ports(3 * n)
        self.ports, self._routes, self._monitors = ports[:n], ports[n : 2 * n], ports[2 * n :]
        self._config = config
        self._directory = Path()
        self._servers: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        """The URLs of the servers, separated by commas."""
        return ",".join(f"nats://{HOST}:{port}" for port in self.ports)

    @property
    def pids(self) -> list[int]:
        """The process ids of the running servers, in the order of their numbers."""
        return [self._servers[number].pid for number in sorted(self._servers)]

    def start(self) -> "NatsCluster":
        """Start all servers, and wait until each is connected to all others."""
        self._directory = Path(tempfile.mkdtemp(prefix="koine-nats-"))
        self._directory.joinpath("config").write_text(self._config)
        try:
            for number in range(len(self.ports)):
                self.start_one(number)
            self.wait_joined()
        except BaseException:
            self.stop()
            raise
        return self

    def start_one(self, number: int) -> None:
        """Start a server that does not run, without waiting for it."""
        routes = ",".join(f"nats://{HOST}:{port}" for port in self._routes)
        log = self._directory / f"log-{number}"
        listen = ("-a", HOST, "-p", str(self.ports[number]), "-m", str(self._monitors[number]))
        address = f"nats://{HOST}:{self._routes[number]}"
        cluster = ("--cluster_name", "koine", "--routes", routes, "--cluster", address)
        program = wheel_program("nats-server")
        self._servers[number] = subprocess.Popen(
            [program, "-c", f"{self._directory}/config", "-l", f"{log}", *listen, *cluster],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end_with_us(self._servers[number].pid)

    def kill(self, number: int) -> None:
        """Kill a server."""
        server = self._servers.pop(number)
        server.kill()
        server.wait()

    def pause(self, number: int) -> None:
        """Suspend a server; its connections stay open."""
        self._servers[number].send_signal(signal.SIGSTOP)

    def resume(self, number: int) -> None:
        """Continue a paused server."""
        self._servers[number].send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Kill all servers and delete the directory; does nothing when called again."""
        for number in list(self._servers):
            self.kill(number)
        if self._directory != Path():
            shutil.rmtree(self._directory, ignore_errors=True)

    def wait_joined(self) -> None:
        """Wait until each running server is connected to all others."""
        deadline = time.monotonic() + STARTS_WITHIN
        others = len(self._servers) - 1
        while any(self._peers(number) < others for number in self._servers):
            if time.monotonic() > deadline:
                logs = [path.read_text() for path in self._directory.glob("log-*")]
                raise RuntimeError("the NATS servers do not connect:\n" + "\n".join(logs)[-3000:])
            time.sleep(POLL_SECONDS)

    def clients(self, number: int) -> int:
        """How many clients are connected to a server."""
        return int(self._monitor(number, "connz")["num_connections"])

    def _peers(self, number: int) -> int:
        """How many other servers a server is connected to; -1 while it does not respond."""
        try:
            routes = self._monitor(number, "routez")["routes"]
        except (OSError, ValueError):
            return -1
        return len({route["remote_id"] for route in routes})

    def _monitor(self, number: int, page: str) -> Any:
        url = f"http://{HOST}:{self._monitors[number]}/{page}"
        with urllib.request.urlopen(url, timeout=2) as response:
            return json.load(response)

    def __enter__(self) -> "NatsCluster":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def end_with_us(pid: int) -> None:
    """Kill the process with this id when the process of the tests ends, however it ends."""
    subprocess.Popen(
        ["/bin/sh", "-c", _WATCH, "sh", str(os.getpid()), str(pid)],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )


_WATCH = 'while kill -0 "$1" && kill -0 "$2"; do sleep 1; done; kill -KILL "$2"'
