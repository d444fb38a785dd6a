"""Hands events of the log to the hub: in order, after the credentials they concern were checked."""

import asyncio

from koine.event_log.contexts import load_contexts
from koine.event_log.log_reader import LogState
from koine.model.event import LoggedEvent
from koine.realtime.hub import Hub
from koine.realtime.reauth import Reauthenticator
from koine.store.events import event_log_state, events

_CHUNK_EVENTS = 500
_DISPATCH_BATCH = 20
"""Events queued for subscribers without a pause: far fewer than a subscriber's queue holds."""


class EventDispatcher:
    """A follower of the event log (`event_log.log_reader.LogFollower`), one in each process."""

    def __init__(self, hub: Hub, reauth: Reauthenticator) -> None:
        self._hub = hub
        self._reauth = reauth
        self._db = hub.engine.db
        self._suspensions = 0

    async def log_advanced(self, log: LogState) -> None:
        """Queue what is new for the subscribers that receive it. Raises Unavailable."""
        if log.epoch != self._hub.epoch:
            self._hub.reset_epoch(log.epoch, log.stable)
        if log.suspensions != self._suspensions:
            await self._resume_after_suspension(log)
            self._suspensions = log.suspensions
        await self._dispatch_until(log.stable)

    async def _resume_after_suspension(self, log: LogState) -> None:
        """Events that the hub had yet to read may be deleted by now: then every client reconnects
        and learns from its cursor what it missed."""
        if await self._db.read("", event_log_state.retention_floor) > self._hub.delivered:
            self._hub.reset_epoch(log.epoch, log.stable)
        await self._reauth.sweep(everyone=True)

    async def _dispatch_until(self, stable: int) -> None:
        hub = self._hub
        while hub.delivered < stable:
            if not hub.count:
                hub.skip_to(stable)
                return
            chunk = await self._db.read("", events.after, hub.delivered, stable, _CHUNK_EVENTS)
            end = chunk[-1].position if len(chunk) == _CHUNK_EVENTS else stable
            by_tenant = _by_tenant(chunk)
            # Credentials come first, for the whole chunk: a subscriber that catches up reads as far
            # as `hub.position` by itself, with the actor it has at that time.
            for tenant_id, of_tenant in by_tenant.items():
                await self._reauth.check(tenant_id, of_tenant)
            # A subscriber that goes live before this line has read less than the chunk, and is sent
            # the chunk below. One that catches up after it reads the chunk itself.
            hub.position = end
            for tenant_id, of_tenant in by_tenant.items():
                await self._dispatch_tenant(tenant_id, of_tenant)
            hub.delivered = end

    async def _dispatch_tenant(self, tenant_id: str, of_tenant: list[LoggedEvent]) -> None:
        if not self._hub.subscribers(tenant_id):
            return
        shared_only = self._hub.shared_only(tenant_id)
        contexts = await load_contexts(self._db, tenant_id, of_tenant, shared_only)
        for first in range(0, len(contexts), _DISPATCH_BATCH):
            self._hub.dispatch(tenant_id, contexts[first : first + _DISPATCH_BATCH])
            await asyncio.sleep(0)  # lets the connections send what was queued for them


def _by_tenant(chunk: list[LoggedEvent]) -> dict[str, list[LoggedEvent]]:
    found: dict[str, list[LoggedEvent]] = {}
    for event in chunk:
        found.setdefault(event.tenant_id, []).append(event)
    return found
