"""Whispers: told to the live seats that may hear them, never stored, never waited for."""

import asyncio
from collections import deque

import structlog

from koine.engine.happenings import place
from koine.kit.lru import TTLCache
from koine.kit.times import SECOND
from koine.model.errors import Unavailable
from koine.model.happening import EventContext
from koine.relay.encoding import WhisperEncodings
from koine.relay.hub import Hub
from koine.relay.voice import Whisper

_WAITING = 1_000
_KNOWN_FOR = 2 * SECOND
_log = structlog.get_logger("koine.relay")


class Whispers:
    """Those that wait to be told here. The oldest goes when too many wait."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._waiting: deque[Whisper] = deque(maxlen=_WAITING)
        self._task: asyncio.Task[None] | None = None
        self._places: TTLCache[tuple[str, str], EventContext] = TTLCache(1_000)

    def put(self, whisper: Whisper) -> None:
        """Tell it soon."""
        if whisper.tenant_id not in self._hub.tenants():
            return
        self._waiting.append(whisper)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._tell_all())

    async def _tell_all(self) -> None:
        while self._waiting:
            whisper = self._waiting.popleft()
            try:
                await self._tell(whisper)
            except Unavailable:
                continue
            except Exception:
                _log.error("a whisper was not told", exc_info=True)

    async def _tell(self, whisper: Whisper) -> None:
        encodings = WhisperEncodings(whisper, await self._place(whisper))
        # Of contacts, who may be many, no other contact is told that they are there.
        of_contact = whisper.kind == "presence" and whisper.identity_kind == "contact"
        for seat in self._hub.seats(whisper.tenant_id, contacts=not of_contact):
            actor = seat.voice.actor
            if not seat.live or (
                whisper.kind == "typing" and actor.identity_id == whisper.identity_id
            ):
                continue
            frame = encodings.of(seat.voice)
            if frame is not None:
                seat.put(0, frame)

    async def _place(self, whisper: Whisper) -> EventContext | None:
        if whisper.conversation_id is None:
            return None
        key, now = (whisper.tenant_id, whisper.conversation_id), self._hub.engine.clock.now()
        known = self._places.get(key, now)
        if known is None:
            known = await self._hub.engine.db.read(
                whisper.tenant_id, place, whisper.conversation_id
            )
            self._places.put(key, known, now + _KNOWN_FOR)
        return known
