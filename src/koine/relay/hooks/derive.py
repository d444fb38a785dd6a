"""From the event log to deliveries: who is to be told of what, each event once for each endpoint.

The rows of a stretch of the log and the cursor beyond it are written in one transaction, under the
cursor's lock: whatever dies, and however many processes do this, no event is left out or doubled.
"""

from koine.engine.engine import Engine
from koine.engine.hook_lines import due, in_their_inboxes, is_for
from koine.engine.hook_voice import Voices
from koine.model.event import Logged
from koine.model.hook import Owned
from koine.store import events, hook_queue, hooks
from koine.store.db import Tx
from koine.store.hook_queue import Due

CHUNK = 500
"""Events gone through in one transaction."""
LAZY = 5000
"""The cursor is left this many events behind while there is nothing to put in line."""


class Deriver:
    """One in each process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._looked = 0

    async def upto(self, settled: int, now: int) -> int:
        """Go through the log to the settled position; answers how many deliveries are new.
        Raises Unavailable."""
        found = 0
        if settled < self._looked:
            self._looked = 0  # the log went back: another database is behind the same address
        while await self._is_behind(settled):
            db, voices = self._engine.db, self._engine.voices
            written, upto = await db.write("", _derive, voices, now, self._looked, settled)
            found += written
            if upto >= settled:
                break
        return found

    async def _is_behind(self, settled: int) -> bool:
        """Whether there is something to write. What is for nobody is not worth a transaction."""
        while True:
            db, voices = self._engine.db, self._engine.voices
            upto, some, cursor = await db.read("", _look, voices, self._looked, settled)
            if some or upto - cursor > LAZY:
                return True
            self._looked = max(self._looked, upto)
            if upto >= settled:
                return False


async def _look(tx: Tx, voices: Voices, looked: int, settled: int) -> tuple[int, bool, int]:
    """How far the next stretch goes, whether it has anything for anybody, where the cursor is."""
    active = await _active(tx, voices)
    if not active:
        return settled, False, settled
    cursor = await hooks.cursor(tx)
    start = max(looked, cursor, min(hook.since for hook in active))
    upto, chunk = await _stretch(tx, start, settled)
    return upto, bool(await _due(tx, voices, active, chunk, 0)), max(cursor, start)


async def _derive(tx: Tx, voices: Voices, now: int, looked: int, settled: int) -> tuple[int, int]:
    """Put one stretch in line; answers how many rows and where it ends."""
    cursor = await hooks.cursor(tx, lock=True)
    active = await _active(tx, voices)
    start = max(looked, cursor, min((hook.since for hook in active), default=settled))
    upto, chunk = await _stretch(tx, start, settled)
    due = await _due(tx, voices, active, chunk, now)
    await hook_queue.put(tx, due)
    if upto > cursor:
        await hooks.move_cursor(tx, upto)
    return len(due), upto


async def _active(tx: Tx, voices: Voices) -> list[Owned]:
    return [hook for hook in await hooks.active(tx) if hook.dialect in voices]


async def _stretch(tx: Tx, start: int, settled: int) -> tuple[int, list[Logged]]:
    chunk = await events.after(tx, start, settled, CHUNK)
    return (chunk[-1].position if len(chunk) == CHUNK else max(start, settled)), chunk


async def _due(
    tx: Tx, voices: Voices, active: list[Owned], chunk: list[Logged], now: int
) -> list[Due]:
    by_tenant: dict[str, list[Owned]] = {}
    for hook in active:
        by_tenant.setdefault(hook.tenant_id, []).append(hook)
    pairs = [
        (event, hook)
        for event in chunk
        for hook in by_tenant.get(event.tenant_id, ())
        if event.position > hook.since and is_for(voices, event, hook)
    ]
    return [due(event, hook, now) for event, hook in await in_their_inboxes(tx, pairs)]
