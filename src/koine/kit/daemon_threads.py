"""A few threads that nothing waits for when the process ends.

Python waits for the threads of a ThreadPoolExecutor, and one that looks up a host name hangs for as
long as the name server is silent.
"""

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

IDLE_SECONDS = 10.0
"""Seconds after which a thread without work ends."""


class DaemonThreads:
    """Runs functions on at most `max_threads` threads, started when needed; further calls wait in a
    queue, which the caller bounds."""

    def __init__(self, max_threads: int, name: str) -> None:
        self._max_threads = max_threads
        self._name = name
        self._queue: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._lock = Lock()
        self._threads = 0
        self._unfinished = 0

    def submit(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> "Future[R]":
        """Run `work` on one of the threads; the future has its result."""
        future: Future[R] = Future()
        with self._lock:
            self._queue.put((future, partial(work, *args, **kwargs)))
            self._unfinished += 1
            if self._threads < min(self._max_threads, self._unfinished):
                self._threads += 1
                Thread(target=self._run, name=self._name, daemon=True).start()
        return future

    def _run(self) -> None:
        while True:
            try:
                future, call = self._queue.get(timeout=IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if self._queue.empty():
                        self._threads -= 1
                        return
                continue
            _run_one(future, call)
            del future, call  # else they live until the next call
            with self._lock:
                self._unfinished -= 1


def _run_one(future: "Future[Any]", call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
