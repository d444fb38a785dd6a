"""Rights that end while somebody listens: seats are asked again who they are.

At once when the log tells that a credential, a person or the tenant changed; when a credential's
own time is over; and every few seconds while the log itself is held up. Who is not known again
soon hears nothing until it is, and then all of it: nobody else waits for the answer.
"""

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from koine.model.errors import Refusal, Unauthenticated, Unavailable
from koine.model.event import EventKind, LoggedEvent
from koine.realtime.hub import Hub
from koine.realtime.subscriber import CloseReason, Subscriber

_IDENTITY_EVENTS: frozenset[EventKind] = frozenset(
    {"credential.changed", "identity.updated", "identity.removed", "identity.merged"}
)
_TENANT_EVENTS: frozenset[EventKind] = frozenset({"tenant.updated", "inbox.updated"})
_WAIT_SECONDS = 0.2
"""Seconds all others wait for answers; one that needs a tenant's own issuer may take many more."""
_log = structlog.get_logger("koine.realtime")


class Reauthenticator:
    """Asks the seats of a hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._pending: dict[Subscriber, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def admit_new(self, seat: Subscriber, first: bool, rights_version: int | None) -> None:
        """Ask one who has just taken a seat: a right that ended between its request and now was
        told before it could be asked. Where nobody listened, nobody heard of it: `first`. One who
        was asked when `Hub.rights` was `known_at`, which it still is, is not asked twice."""
        if first:
            self._hub.engine.forget_credentials()
        if first or rights_version != self._hub.rights_version:
            await self._reauthenticate_all([seat])

    async def close(self) -> None:
        """Ask no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def check(self, tenant_id: str, events: list[LoggedEvent]) -> None:
        """Ask those whom these events of their tenant concern."""
        concerned = [
            event
            for event in events
            if event.kind in _IDENTITY_EVENTS or event.kind in _TENANT_EVENTS
        ]
        if not concerned:
            return
        self._hub.rights_version += 1
        if not all(event.is_of_contact for event in concerned):
            self._hub.engine.forget_credentials()
        everyone = any(event.kind in _TENANT_EVENTS for event in concerned)
        subjects = {name for event in concerned for name in _subject_ids(event)}
        seats = self._hub.subscribers(tenant_id)
        await self._reauthenticate_all(
            [s for s in seats if everyone or not subjects.isdisjoint(_credential_ids(s))]
        )

    async def sweep(self, everyone: bool) -> None:
        """Ask those whose credential ends, whom nobody could tell about before, or everyone."""
        now = self._hub.engine.clock.now()
        if everyone:
            self._hub.engine.forget_credentials()
        # Whoever is being asked is not asked anew, or a slow answer would never come.
        seats = [seat for seat in self._hub.subscribers() if seat not in self._pending]
        await self._reauthenticate_all(
            [s for s in seats if everyone or s.suspended or _is_expired(s, now)]
        )

    async def _reauthenticate_all(self, seats: list[Subscriber]) -> None:
        """Ask them all at once."""
        for seat in seats:
            task = self._pending[seat] = asyncio.create_task(self._reauthenticate(seat))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if seats:
            await asyncio.wait([self._pending[seat] for seat in seats], timeout=_WAIT_SECONDS)
        for seat in seats:
            if seat in self._pending:
                seat.suspend()

    async def _reauthenticate(self, seat: Subscriber) -> None:
        outcome = await _authenticate(seat)
        # What an earlier question was answered from may have changed since.
        if self._pending.get(seat) is asyncio.current_task():
            del self._pending[seat]
            outcome()


async def _authenticate(seat: Subscriber) -> Callable[[], None]:
    """Ask a seat who it is; what is to be done then."""
    try:
        actor = await seat.reader.authenticate()
    except Unavailable:
        return seat.suspend
    except Unauthenticated as refusal:
        reason: CloseReason = "expired" if refusal.reason == "expired" else "revoked"
        return lambda: seat.close(reason)
    except Refusal:
        return lambda: seat.close("revoked")
    except Exception:
        _log.error("a subscriber could not be authenticated again", exc_info=True)
        return seat.suspend
    return lambda: seat.resume(actor)


def _is_expired(seat: Subscriber, now: int) -> bool:
    expires_at = seat.reader.actor.expires_at
    return expires_at is not None and expires_at <= now


def _subject_ids(event: LoggedEvent) -> list[str]:
    """Whom it concerns: of two that merged, also the one that is no more."""
    if event.kind != "identity.merged":
        return [event.subject_id]
    return [event.subject_id, str(msgspec.json.decode(event.body)["merged_id"])]


def _credential_ids(seat: Subscriber) -> set[str | None]:
    actor = seat.reader.actor
    return {actor.identity_id, actor.key_id, actor.session_id, *actor.depends_on}
