"""Ephemeral events: queued for the live subscribers that may receive them, and stored nowhere."""

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
    """Dispatches ephemeral events of this process and of other nodes, one after another. When too
    many wait, the oldest is dropped."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._waiting: deque[EphemeralEvent] = deque(maxlen=_MAX_WAITING)
        self._task: asyncio.Task[None] | None = None
        self._conversations: TTLCache[tuple[str, str], EventContext] = TTLCache(1_000)

    def publish(self, event: EphemeralEvent) -> None:
        """Dispatch it soon, if the tenant has open streams here."""
        if event.tenant_id not in self._hub.tenants():
            return
        self._waiting.append(event)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._dispatch_all())

    async def _dispatch_all(self) -> None:
        while self._waiting:
            event = self._waiting.popleft()
            try:
                await self._dispatch(event)
            except Unavailable:
                continue
            except Exception:
                _log.error("an ephemeral event was not delivered", exc_info=True)

    async def _dispatch(self, event: EphemeralEvent) -> None:
        encodings = EphemeralEncodings(event, await self._load_conversation(event))
        # Contacts may be very many, and never receive the presence of another contact.
        of_contact = event.kind == "presence" and event.identity_kind == "contact"
        for subscriber in self._hub.subscribers(event.tenant_id, contacts=not of_contact):
            actor = subscriber.reader.actor
            if not subscriber.live or (
                event.kind == "typing" and actor.identity_id == event.identity_id
            ):
                continue
            frame = encodings.for_reader(subscriber.reader)
            if frame is not None:
                subscriber.put(0, frame)

    async def _load_conversation(self, event: EphemeralEvent) -> EventContext | None:
        if event.conversation_id is None:
            return None
        key, now = (event.tenant_id, event.conversation_id), self._hub.engine.clock.now()
        known = self._conversations.get(key, now)
        if known is None:
            known = await self._hub.engine.db.read(
                event.tenant_id, load_conversation, event.conversation_id
            )
            self._conversations.put(key, known, now + _CACHE_TTL)
        return known
