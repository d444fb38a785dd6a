"""The parent of several worker processes on one port: it starts, watches and stops them.

A worker that has ended unexpectedly, or does not respond, is replaced. SIGHUP replaces all of them
one after another, each when its successor serves. SIGTERM and Ctrl-C stop them as `shutdown`
describes; a second signal kills them.
"""

import multiprocessing
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Sequence
from types import FrameType

import structlog

from koine.kit.settings import Settings
from koine.server.database import StartupError
from koine.server.listener import drop_new_connections
from koine.server.worker import PING, SERVE_METRICS, SERVING, STOP_SECONDS, run_worker

_log = structlog.get_logger("koine")
_spawn = multiprocessing.get_context("spawn")

POLL_SECONDS = 0.5
"""Seconds between two checks of the workers."""
RESPONSE_SECONDS = 30
"""Seconds within which a worker must respond, and a successor serve."""
STABLE_SECONDS = 60
"""A worker that ends sooner is replaced after a pause, which doubles each time."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
WAKEUP_BYTES = 4096
"""More signals than can be pending; each is one byte."""
_IGNORED = (signal.SIGTTIN, signal.SIGTTOU, signal.SIGUSR1, signal.SIGUSR2)


class WorkerFailed(StartupError):
    """A worker has ended with an error of its own, and none has served yet; `exit_code` is its."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"a worker could not start (exit code {exit_code}): the log says why")
        self.exit_code = exit_code


class Worker:
    """A worker process, as its parent sees it. It starts at once."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        metrics_listener: socket.socket | None,
        *,
        restarts: int,
        serve_metrics: bool,
    ) -> None:
        """`restarts` and `serve_metrics` are those of `run_worker`."""
        self._pipe, other_end = _spawn.Pipe()
        given = (settings, listener, metrics_listener, other_end, restarts, serve_metrics)
        self._process = _spawn.Process(target=run_worker, args=given)
        self.serves = False
        """Whether it has said so."""
        self._started_at = time.monotonic()
        self._asked_at: float | None = None
        # Until it handles Ctrl-C, Python would print a traceback.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        # Ours is then the only one beside the worker's own: it is closed when the worker ends.
        other_end.close()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid or 0

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.exitcode

    @property
    def sentinel(self) -> int:
        """A file descriptor that can be read when it has ended."""
        return self._process.sentinel

    @property
    def age(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self._started_at

    def responds(self) -> bool:
        """Ask whether it serves, without waiting. False when it has not answered for long."""
        now = time.monotonic()
        try:
            while self._pipe.poll():
                self.serves = self._pipe.recv_bytes() == SERVING
                self._asked_at = None
            if self._asked_at is None:
                self._pipe.send_bytes(PING)
                self._asked_at = now
        except (OSError, EOFError):
            return True  # it is just ending
        return now - self._asked_at < RESPONSE_SECONDS

    def serve_metrics(self) -> None:
        """Have it serve its metrics: the process before it in its place has ended."""
        try:
            self._pipe.send_bytes(SERVE_METRICS)
        except OSError:
            pass  # it has just ended

    def send_signal(self, number: int) -> None:
        """Send a signal, if it runs."""
        if self.exit_code is None:
            os.kill(self.pid, number)

    def join(self, seconds: float) -> int:
        """Wait for its end, at most so long; then kill it. Returns its exit code."""
        self._process.join(seconds)
        if self.exit_code is None:
            _log.error("a worker does not stop and is killed", pid=self.pid)
            self._process.kill()
            self._process.join()
        return self.exit_code or 0

    def kill(self) -> None:
        """Kill it, and wait for its end."""
        self._process.kill()
        self._process.join()


class _Slot:
    """One of the workers that are to run: its process now, and what is counted for its place."""

    def __init__(
        self, settings: Settings, listener: socket.socket, metrics_listener: socket.socket | None
    ) -> None:
        self._given = (settings, listener, metrics_listener)
        self.worker: Worker | None = None
        self.restarts = 0
        self._pause = 0.0
        self._start_at = 0.0

    def new_worker(self, *, serve_metrics: bool) -> Worker:
        """Start a worker for this place."""
        return Worker(*self._given, restarts=self.restarts, serve_metrics=serve_metrics)

    def start(self) -> None:
        """Start a worker, unless there is one or it is too soon."""
        if self.worker is None and time.monotonic() >= self._start_at:
            self.worker = self.new_worker(serve_metrics=True)

    def on_unexpected_end(self, worker: Worker) -> None:
        """Its worker has ended: let another start, after a pause if this one did not live long."""
        self.worker = None
        self.restarts += 1
        self._pause = next_pause(self._pause, worker.age)
        self._start_at = time.monotonic() + self._pause
        _log.error(
            "a worker has ended unexpectedly and is replaced",
            pid=worker.pid,
            **_end_of(worker.exit_code or 0),
            restarts=self.restarts,
            pause_seconds=self._pause,
        )


class Supervisor:
    """Runs `settings.workers` workers on a listening socket, each with one of the sockets for
    metrics if there are any."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        metrics_listeners: list[socket.socket],
    ) -> None:
        self._settings = settings
        self._listener = listener
        of_slots: Sequence[socket.socket | None] = metrics_listeners or [None] * settings.workers
        self._slots = [_Slot(settings, listener, each) for each in of_slots]
        self._retiring: list[Worker] = []
        self._stop_signal = 0
        self._replacement_asked = False
        self._has_served = False
        self._woken, self._wake = socket.socketpair()

    def run(self) -> None:
        """Serve until a signal. Raises WorkerFailed when a worker cannot start and none has
        served."""
        self._handle_signals()
        try:
            while not self._stop_signal:
                if self._replacement_asked:
                    self._replacement_asked = False
                    self._replace_all()
                self._check()
                self._wait()
        except WorkerFailed:
            self._stop(signal.SIGINT)
            raise
        _log.info("the server is draining", seconds=self._drain_seconds(self._stop_signal))
        self._stop(self._stop_signal)

    def _handle_signals(self) -> None:
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._on_stop_signal)
        signal.signal(signal.SIGINT, self._on_stop_signal)
        signal.signal(signal.SIGHUP, self._on_replace_signal)
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)

    def _on_stop_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._stop_signal:
            for worker in self._workers():
                worker.send_signal(signal.SIGKILL)
            os._exit(128 + number)
        self._stop_signal = number

    def _on_replace_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._replacement_asked = True

    def _workers(self) -> list[Worker]:
        return [slot.worker for slot in self._slots if slot.worker] + self._retiring

    def _check(self, besides: _Slot | None = None) -> None:
        """Start the workers that are missing, and count those that have ended or are stuck. Raises
        WorkerFailed."""
        for slot in self._slots:
            if slot is besides:
                continue
            slot.start()
            worker = slot.worker
            # In this order: what one that has ended said last is read, too.
            if worker is None or (worker.responds() and worker.exit_code is None):
                continue
            if worker.exit_code is None:
                _log.error("a worker does not respond and is killed", pid=worker.pid)
                worker.kill()
            self._require_no_failed_start(worker)
            slot.on_unexpected_end(worker)

    def _require_no_failed_start(self, ended: Worker) -> None:
        """Raise WorkerFailed when a worker has ended by itself and none has served yet: any other
        would end as well. One that was killed, perhaps as memory was short, may start later."""
        self._has_served = self._has_served or any(each.serves for each in self._workers())
        if not self._has_served and (code := ended.exit_code or 0) > 0:
            raise WorkerFailed(code)

    def _wait(self) -> None:
        """Wait for a signal, the end of a worker, or the next check."""
        ends = [each.sentinel for each in self._workers() if each.exit_code is None]
        woken = self._woken.fileno()
        ready, _, _ = select.select([woken, *ends], [], [], POLL_SECONDS)
        if woken in ready:
            self._woken.recv(WAKEUP_BYTES)

    def _wait_until(
        self, done: Callable[[], bool], seconds: float, besides: _Slot | None = None
    ) -> None:
        """Wait until it is done, for so long at most, or until the server is to stop. The workers
        of the other slots are checked meanwhile."""
        end = time.monotonic() + seconds
        while not done() and not self._stop_signal and time.monotonic() < end:
            self._check(besides)
            self._wait()

    def _replace_all(self) -> None:
        _log.info("the workers are being replaced")
        for slot in self._slots:
            if not self._replace(slot):
                return
        _log.info("the workers have been replaced")

    def _replace(self, slot: _Slot) -> bool:
        """Start a successor; when it serves, stop the worker. False when it does not serve."""
        new = slot.new_worker(serve_metrics=slot.worker is None)

        def has_started() -> bool:
            return new.exit_code is not None or (new.responds() and new.serves)

        self._wait_until(has_started, RESPONSE_SECONDS, slot)
        if new.exit_code is not None or not new.serves:
            if not self._stop_signal:
                _log.error(
                    "a new worker does not serve: the others are not replaced",
                    pid=new.pid,
                    **_end_of(new.exit_code),
                )
            new.kill()
            return False
        old = slot.worker
        if old is not None and old.exit_code is not None:
            slot.on_unexpected_end(old)
        slot.worker = new
        if old is not None:
            self._retire(old)
            new.serve_metrics()
        return True

    def _retire(self, old: Worker) -> None:
        self._retiring.append(old)
        old.send_signal(signal.SIGTERM)
        seconds = self._settings.drain_seconds + self._settings.grace_seconds + STOP_SECONDS
        self._wait_until(lambda: old.exit_code is not None, seconds)
        if not self._stop_signal:
            old.join(0)
            self._retiring.remove(old)

    def _stop(self, number: int) -> None:
        """Stop all workers as a signal asks."""
        for worker in self._workers():
            worker.send_signal(number)
        time.sleep(self._drain_seconds(number))
        drop_new_connections(self._listener)
        # The kernel closes it when the last worker has closed its copy.
        self._listener.close()
        end = time.monotonic() + self._settings.grace_seconds + STOP_SECONDS
        for worker in self._workers():
            worker.join(max(0.0, end - time.monotonic()))

    def _drain_seconds(self, number: int) -> int:
        """After Ctrl-C, where there is no load balancer, 0."""
        return 0 if number == signal.SIGINT else self._settings.drain_seconds


def next_pause(pause: float, age: float) -> float:
    """Seconds until a worker of this age that has ended is replaced; `pause` is the one before."""
    if age > STABLE_SECONDS:
        return 0.0
    return max(FIRST_PAUSE_SECONDS, min(2 * pause, LONGEST_PAUSE_SECONDS))


def _end_of(code: int | None) -> dict[str, object]:
    """How a process has ended, for the log."""
    if code is None:
        return {}
    return {"exit_code": code} if code >= 0 else {"signal": signal.Signals(-code).name}
