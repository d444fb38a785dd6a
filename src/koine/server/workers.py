"""The parent of several worker processes on one port: it starts, watches and stops them."""

import os
import select
import signal
import socket
import time
from types import FrameType

import structlog
import uvicorn
from uvicorn.supervisors.multiprocess import Multiprocess

from koine.server.listener import drop_new_connections

_log = structlog.get_logger("koine")

POLL_SECONDS = 0.5
"""Seconds between two checks of the workers."""
WAKEUP_BYTES = 4096
"""More signals than can be pending; each is one byte."""


class Supervisor(Multiprocess):
    """uvicorn's supervisor; it stops its workers as `shutdown` describes, and exits with 0.

    Workers ignore a second signal: when a terminal or a service manager signals the whole group,
    they get one from there and one from this process. A second signal to this process kills them
    all. SIGHUP replaces them one after another, each when its successor serves.
    """

    def __init__(
        self, config: uvicorn.Config, listener: socket.socket, drain_seconds: float
    ) -> None:
        super().__init__(config, [listener])
        self._listener = listener
        self._drain_seconds = drain_seconds
        self._stopping = False
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    @property
    def failed(self) -> bool:
        """Whether it stopped because a worker could not start."""
        return self.should_exit.is_set()

    def run(self) -> None:
        """Serve until a signal, or until a worker cannot start."""
        woken, wake = socket.socketpair()
        wake.setblocking(False)
        woken.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        self.init_processes()
        while not self._stopping and not self.failed:
            self.handle_signals()
            self.keep_subprocess_alive()
            if select.select([woken], [], [], POLL_SECONDS)[0]:
                woken.recv(WAKEUP_BYTES)
        self._shut_down()

    def _shut_down(self) -> None:
        self._stopping = True
        _log.info("the server is draining", seconds=self._drain_seconds)
        self.terminate_all()
        time.sleep(self._drain_seconds)
        drop_new_connections(self._listener)
        # The kernel closes it when the last worker has closed its copy.
        self._listener.close()
        self.join_all()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._stopping:
            for process in self.processes:
                process.process.kill()
            os._exit(128 + number)
        self._stopping = True
