"""Whispers: told to the live seats that may hear them, never stored, never waited for."""

import asyncio
from collections import deque

import structlog

from koine.engine.events.event_context import load_conversation
from koine.kit.cache import TTLCache
from koine.kit.times import SECOND
from koine.model.errors import Unavailable
from koine.model.event_context import EventContext
from koine.realtime.encoding import EphemeralEncodings
from koine.realtime.hub import Hub
from koine.realtime.reader import EphemeralEvent

_MAX_WAITING = 1_000
_CACHE_TTL = 2 * SECOND
_log = structlog.get_logger("koine.realtime")


class EphemeralDispatcher:
    """Those that wait to be told here. The oldest goes when too many wait."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._waiting: deque[EphemeralEvent] = deque(maxlen=_MAX_WAITING)
        self._task: asyncio.Task[None] | None = None
        self._conversations: TTLCache[tuple[str, str], EventContext] = TTLCache(1_000)

    def publish(self, event: EphemeralEvent) -> None:
        """Tell it soon."""
        if event.tenant_id not in self._hub.tenants():
            return
        self._waiting.append(event)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._dispatch_all())

    async def _dispatch_all(self) -> None:
        while self._waiting:
            whisper = self._waiting.popleft()
            try:
                await self._dispatch(whisper)
            except Unavailable:
                continue
            except Exception:
                _log.error("an ephemeral event was not delivered", exc_info=True)

    async def _dispatch(self, whisper: EphemeralEvent) -> None:
        encodings = EphemeralEncodings(whisper, await self._load_conversation(whisper))
        # Of contacts, who may be many, no other contact is told that they are there.
        of_contact = whisper.kind == "presence" and whisper.identity_kind == "contact"
        for seat in self._hub.subscribers(whisper.tenant_id, contacts=not of_contact):
            actor = seat.reader.actor
            if not seat.live or (
                whisper.kind == "typing" and actor.identity_id == whisper.identity_id
            ):
                continue
            frame = encodings.for_reader(seat.reader)
            if frame is not None:
                seat.put(0, frame)

    async def _load_conversation(self, whisper: EphemeralEvent) -> EventContext | None:
        if whisper.conversation_id is None:
            return None
        key, now = (whisper.tenant_id, whisper.conversation_id), self._hub.engine.clock.now()
        known = self._conversations.get(key, now)
        if known is None:
            known = await self._hub.engine.db.read(
                whisper.tenant_id, load_conversation, whisper.conversation_id
            )
            self._conversations.put(key, known, now + _CACHE_TTL)
        return known
