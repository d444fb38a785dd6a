"""The thread that writes: it commits many operations in one transaction.

It takes what is queued and never waits for more, so a single operation is not delayed; under load
up to `_MAX_BATCH` operations share a commit, which is an fsync. Each has a savepoint and fails
alone.

This is no `kit.batching.Batcher`, since calls of SQLite block: a thread collects the batch, not a
task of the event loop. And thanks to the savepoints a batch with a failed operation is not run
again."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from time import perf_counter
from typing import Any, TypeVar

import apsw

from koine.kit import metrics
from koine.model.errors import Unavailable
from koine.store.core.db import PoolUsage
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
    context: Context
    result: Any = None
    error: BaseException | None = None


class Writer:
    """Owns the writing connection. Its thread runs from the construction to `close`."""

    def __init__(self, connection: apsw.Connection, committed: Callable[[], None]) -> None:
        self._connection = connection
        self._committed = committed
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._closed = False
        self._disk_was_full = False
        self._busy = False
        self._thread = Thread(target=self._work, name="koine-writer", daemon=True)
        self._thread.start()

    async def run(
        self,
        tenant_id: str,
        operation: Callable[..., Awaitable[R]],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> R:
        """Run an operation; returns when what it wrote is on disk."""
        if self._closed:
            raise Unavailable()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        # The thread writes and logs with the context of the caller: the id of its request.
        context = copy_context()
        self._queue.put(
            _Job(tenant_id, operation, args, kwargs, loop, future, perf_counter(), context)
        )
        return await future

    def usage(self, name: str) -> PoolUsage:
        """How the thread is used now: it commits a batch or waits for one."""
        return PoolUsage(name, 1, int(self._busy), int(not self._busy), self._queue.qsize())

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
                self._busy = True
                self._commit_batch(jobs)
                self._busy = False
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
        except Exception as error:  # no error may end the thread
            refusal = to_store_error(error) if isinstance(error, apsw.Error) else error
            log.warning("a batch of %d writes was not committed: %r", len(jobs), error)
            self._disk_was_full = _is_full(error)
            for job in jobs:
                job.error = refusal if isinstance(refusal, Unavailable) else Unavailable()
            self._rollback()

    def _checkpoint_if_was_full(self) -> None:
        """Checkpoint before the first write after the disk was full. Otherwise the write-ahead log
        uses up the space that was freed, the database file cannot grow, and no checkpoint
        succeeds."""
        if self._disk_was_full:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._disk_was_full = False

    def _run_in_savepoint(self, job: _Job) -> None:
        """Run one operation. Raises only if SQLite rolled the whole transaction back."""
        self._connection.execute("SAVEPOINT operation")
        try:
            tx = SqliteTx(self._connection, job.tenant_id)
            job.result = job.context.run(
                run_to_completion, job.operation, tx, *job.args, **job.kwargs
            )
        except BaseException as error:
            # On a full disk SQLite rolls everything back by itself, the savepoint too.
            if not self._connection.in_transaction:
                raise Unavailable() from error
            job.error = error
            self._connection.execute("ROLLBACK TO operation")
        self._connection.execute("RELEASE operation")

    def _rollback(self) -> None:
        with contextlib.suppress(apsw.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def _is_full(error: BaseException | None) -> bool:
    """Whether a full disk caused the error."""
    while error is not None and not isinstance(error, apsw.FullError):
        error = error.__cause__
    return error is not None


def _return_results(jobs: list[_Job], committed: Callable[[], None]) -> None:
    """Resolve the futures of all callers by one callback in each event loop (there is one)."""
    for loop in {job.loop for job in jobs}:
        with contextlib.suppress(RuntimeError):  # that loop is closed: no caller waits
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
