"""The one thread that writes: many verbs, one COMMIT.

It takes whatever is queued, never waits for more, so a lone verb pays nothing; under load a commit
(an fsync) is shared by up to `_AT_MOST` verbs. Each verb has a savepoint and fails alone.

No `kit.batching.Batcher`: SQLite blocks, so a thread does the collecting, not a task of the event
loop; and with a savepoint each a failed verb needs no second run of the batch.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from time import perf_counter
from typing import Any, TypeVar

import apsw

from koine.kit import metrics
from koine.model.errors import Unavailable
from koine.store.sqlite.tx import SqliteTx, run_to_completion, to_store_error

R = TypeVar("R")
log = logging.getLogger(__name__)

_MAX_BATCH = 128


@dataclass(slots=True)
class _Job:
    tenant_id: str
    operation: Callable[..., Awaitable[Any]]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    queued_at: float
    result: Any = None
    error: BaseException | None = None


class Writer:
    """Owns the connection that writes. Its thread starts at once and ends with `close`."""

    def __init__(self, connection: apsw.Connection, committed: Callable[[], None]) -> None:
        self._connection = connection
        self._committed = committed
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._closed = False
        self._disk_was_full = False
        self._thread = Thread(target=self._work, name="koine-writer", daemon=True)
        self._thread.start()

    async def run(
        self,
        tenant_id: str,
        verb: Callable[..., Awaitable[R]],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> R:
        """Run a verb; returns when what it wrote is on disk."""
        if self._closed:
            raise Unavailable()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._queue.put(_Job(tenant_id, verb, args, kwargs, loop, future, perf_counter()))
        return await future

    def close(self) -> None:
        """Finish what is queued, end the thread and close the connection. Blocks until then."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while batch := self._take():
            jobs = [job for job in batch if job is not None and not job.future.cancelled()]
            if jobs:
                metrics.DATABASE_WAIT.observe(perf_counter() - jobs[0].queued_at)
                self._commit_batch(jobs)
                _return_results(jobs, self._committed)
            if None in batch:
                break
        self._connection.close()

    def _take(self) -> list[_Job | None]:
        batch = [self._queue.get()]
        while len(batch) < _MAX_BATCH and batch[-1] is not None:
            try:
                batch.append(self._queue.get_nowait())
            except Empty:
                break
        return batch

    def _commit_batch(self, jobs: list[_Job]) -> None:
        try:
            self._checkpoint_if_was_full()
            self._connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                self._run_in_savepoint(job)
            self._connection.execute("COMMIT")
        except Exception as error:  # the thread must outlive whatever happens
            refusal = to_store_error(error) if isinstance(error, apsw.Error) else error
            log.warning("a batch of %d writes was not committed: %r", len(jobs), error)
            self._disk_was_full = _is_full(error)
            for job in jobs:
                job.error = refusal if isinstance(refusal, Unavailable) else Unavailable()
            self._rollback()

    def _checkpoint_if_was_full(self) -> None:
        """Fold the log into the file first, once the disk was full: else the log takes the room
        that was made, the file cannot grow, and so the log can never be folded in again."""
        if self._disk_was_full:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._disk_was_full = False

    def _run_in_savepoint(self, job: _Job) -> None:
        """Run one verb. Raises only when the whole transaction is lost with it."""
        self._connection.execute("SAVEPOINT verb")
        try:
            tx = SqliteTx(self._connection, job.tenant_id)
            job.result = run_to_completion(job.operation, tx, *job.args, **job.kwargs)
        except BaseException as error:
            # A full disk makes SQLite itself roll everything back, the savepoint too.
            if not self._connection.in_transaction:
                raise Unavailable() from error
            job.error = error
            self._connection.execute("ROLLBACK TO verb")
        self._connection.execute("RELEASE verb")

    def _rollback(self) -> None:
        with contextlib.suppress(apsw.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def _is_full(error: BaseException | None) -> bool:
    """Whether a full disk is at the bottom of an error."""
    while error is not None and not isinstance(error, apsw.FullError):
        error = error.__cause__
    return error is not None


def _return_results(jobs: list[_Job], committed: Callable[[], None]) -> None:
    """Answer all callers with one wake-up of each event loop (there is one), and tell it."""
    for loop in {job.loop for job in jobs}:
        with contextlib.suppress(RuntimeError):  # that loop is closed: nobody is waiting
            mine = [job for job in jobs if job.loop is loop]
            loop.call_soon_threadsafe(_resolve, mine, committed)


def _resolve(jobs: list[_Job], committed: Callable[[], None]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
    committed()
