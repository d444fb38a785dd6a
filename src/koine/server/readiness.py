"""The checks of /readyz: whether a load balancer should send requests to this process."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic

from koine.http.health import Check
from koine.kit.shutdown_signal import ShutdownSignal
from koine.model.errors import Unavailable
from koine.store import schema, server_values
from koine.store.core.db import Database

PROBE_TIMEOUT = 1.0
"""Seconds within which the database must write a row."""
PROBE_INTERVAL = 1.0
"""Seconds for which the result of one write is returned to every caller."""
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
        more: Sequence[ExtraChecks] = (),
    ) -> None:
        """`lag_seconds` returns how long ago this process read the event log; `more` are checks of
        other parts, made after these."""
        self._db = db
        self._shutdown_signal = shutdown_signal
        self._lag_seconds = lag_seconds
        self._more = more
        self._probe: asyncio.Task[Check] | None = None
        self._probed_at = -PROBE_INTERVAL

    async def checks(self) -> Sequence[Check]:
        """Every check; those that fail have a reason."""
        if self._shutdown_signal.started:
            return [Check("draining", False, "this process is about to stop")]
        found = [await self._database()]
        if found[0].ok:
            found.append(await self._schema())
        if self._lag_seconds is not None:
            found.append(_lag(self._lag_seconds()))
        for more in self._more:
            found += await more()
        return found

    async def _database(self) -> Check:
        """Write a row, once for all callers within `PROBE_INTERVAL`; wait for `PROBE_TIMEOUT`."""
        now = monotonic()
        if self._probe is None or (self._probe.done() and now - self._probed_at >= PROBE_INTERVAL):
            self._probe, self._probed_at = asyncio.create_task(self._write()), now
        left = max(0.0, self._probed_at + PROBE_TIMEOUT - now)
        await asyncio.wait([self._probe], timeout=left)
        if self._probe.done():
            return self._probe.result()
        return Check(
            "database", False, f"the database has not written a row in {PROBE_TIMEOUT:g} s"
        )

    async def _write(self) -> Check:
        try:
            await self._db.write("", server_values.put, "probe", f"{monotonic():.3f}")
        except Unavailable:
            return Check("database", False, "the database does not write")
        return Check("database", True)

    async def _schema(self) -> Check:
        try:
            await schema.check(self._db, allow_newer=True)
        except schema.WrongSchema as error:
            return Check("schema", False, str(error))
        except Unavailable:
            return Check("schema", False, "the database does not answer")
        return Check("schema", True)


def _lag(seconds: float) -> Check:
    late = f"the event log has not been read for {seconds:.0f} s"
    return Check("events", True) if seconds <= LAG_SECONDS else Check("events", False, late)
