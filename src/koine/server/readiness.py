"""The checks of /readyz: whether a load balancer should send requests to this process."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from time import monotonic

from koine.http.health import Check
from koine.kit.shutdown_signal import ShutdownSignal
from koine.model.errors import Unavailable
from koine.server.data_folder import reason_not_writable
from koine.store import schema, server_values
from koine.store.core.db import Database

PROBE_TIMEOUT = 1.0
"""Seconds within which the database should write a row, and the data folder take a file."""
LATE_AFTER = 5.0
"""Seconds since the last success after which a process whose attempt is late is not ready. A slow
database makes all nodes late at once: a load balancer that excluded them for a moment's slowness
would return errors for requests that succeed."""
PROBE_INTERVAL = 1.0
"""Seconds for which the result of one such attempt is returned to every caller."""
LAG_SECONDS = 30.0
"""How long ago this process may have read the event log."""

ExtraChecks = Callable[[], Awaitable[Sequence[Check]]]


class Readiness:
    """The checks of one process. Use from its event loop."""

    def __init__(
        self,
        db: Database,
        shutdown_signal: ShutdownSignal,
        *,
        lag_seconds: Callable[[], float] | None = None,
        uploads: Path | None = None,
        more: Sequence[ExtraChecks] = (),
    ) -> None:
        """`lag_seconds` returns how long ago this process read the event log; `uploads` is a folder
        in which it must be able to create files; `more` are checks of other parts, made after
        these."""
        self._db = db
        self._shutdown_signal = shutdown_signal
        self._lag_seconds = lag_seconds
        self._uploads = uploads
        self._more = more
        late = f"the database takes more than {PROBE_TIMEOUT:g} s to write a row"
        self._database_probe = _Probe(self._write_row, Check("database", False, late))
        late = f"to create a file in the data folder takes more than {PROBE_TIMEOUT:g} s"
        self._uploads_probe = _Probe(self._create_file, Check("files", False, late))

    async def checks(self) -> Sequence[Check]:
        """Every check; those that fail have a reason."""
        if self._shutdown_signal.started:
            return [Check("draining", False, "this process is about to stop")]
        found = [await self._database_probe.result()]
        if found[0].ok:
            found.append(await self._schema())
        if self._uploads is not None:
            found.append(await self._uploads_probe.result())
        if self._lag_seconds is not None:
            found.append(_lag(self._lag_seconds()))
        for more in self._more:
            found += await more()
        return found

    async def _create_file(self) -> Check:
        assert self._uploads is not None, "only then it is asked for"
        why = await asyncio.to_thread(reason_not_writable, self._uploads)
        return Check("files", not why, "no file can be created in the data folder" if why else "")

    async def _write_row(self) -> Check:
        try:
            await self._db.write("", server_values.put, "probe", f"{monotonic():.3f}")
        except Unavailable:
            return Check("database", False, "the database does not write")
        return Check("database", True)

    async def _schema(self) -> Check:
        try:
            await schema.check(self._db)
        except schema.WrongSchema as error:
            return Check("schema", False, str(error))
        except Unavailable:
            return Check("schema", False, "the database does not answer")
        return Check("schema", True)


class _Probe:
    """A check that is made once for all callers within `PROBE_INTERVAL`. They wait no longer than
    `PROBE_TIMEOUT`, and then get the check `late` if there was no success for `LATE_AFTER`."""

    def __init__(self, check: Callable[[], Coroutine[object, object, Check]], late: Check) -> None:
        self._check = check
        self._late = late
        self._task: asyncio.Task[Check] | None = None
        self._began_at = -PROBE_INTERVAL
        self._succeeded_at: float | None = None

    async def result(self) -> Check:
        now = monotonic()
        if self._task is None or (self._task.done() and now - self._began_at >= PROBE_INTERVAL):
            self._task, self._began_at = asyncio.create_task(self._attempt()), now
        left = max(0.0, self._began_at + PROBE_TIMEOUT - now)
        await asyncio.wait([self._task], timeout=left)
        if self._task.done():
            return self._task.result()
        if self._succeeded_at is not None and monotonic() - self._succeeded_at < LATE_AFTER:
            return Check(self._late.name, True)
        return self._late

    async def _attempt(self) -> Check:
        """Make the check; a success counts also if nobody waits for it any more."""
        check = await self._check()
        self._succeeded_at = monotonic() if check.ok else None
        return check


def _lag(seconds: float) -> Check:
    late = f"the event log has not been read for {seconds:.0f} s"
    return Check("events", True) if seconds <= LAG_SECONDS else Check("events", False, late)
