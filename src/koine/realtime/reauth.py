"""Checks the credentials of open streams again, so that a stream ends with its reader's rights.

At once when an event says that a credential, a person or the tenant changed; when a credential
expires; and every few seconds while the log is stalled, when such an event could be among those
that wait. A check can take long (a tenant's own token issuer may be slow), and one slow check must
not delay the events of all other streams. So the dispatcher waits only `_WAIT_SECONDS`; a
subscriber whose check takes longer is suspended, and reads what it missed once the check has
succeeded.
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
"""Seconds for which all events wait for checks."""
_log = structlog.get_logger("koine.realtime")


class Reauthenticator:
    """Checks the subscribers of a hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._pending: dict[Subscriber, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def admit_new(
        self, subscriber: Subscriber, first: bool, rights_version: int | None
    ) -> None:
        """Check a new subscriber: a right may have ended after its request was authenticated, and
        the event of it been handled before it subscribed. `rights_version` is what
        `Hub.rights_version` was before the request was authenticated: if it is still the same,
        nothing has to be checked. `first` means that there was no other subscriber: then events
        were skipped, and the version says nothing."""
        if first:
            self._hub.engine.forget_credentials()
        if first or rights_version != self._hub.rights_version:
            await self._reauthenticate_all([subscriber])

    async def close(self) -> None:
        """Cancel all checks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def check(self, tenant_id: str, events: list[LoggedEvent]) -> None:
        """Check the subscribers that these events of their tenant concern."""
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
        subscribers = self._hub.subscribers(tenant_id)
        await self._reauthenticate_all(
            [s for s in subscribers if everyone or not subjects.isdisjoint(_credential_ids(s))]
        )

    async def sweep(self, everyone: bool) -> None:
        """Check subscribers whose credential expired and those that could not be checked before, or
        everyone."""
        now = self._hub.engine.clock.now()
        if everyone:
            self._hub.engine.forget_credentials()
        # A check that is running is not replaced: a slow one would never end.
        subscribers = [
            subscriber for subscriber in self._hub.subscribers() if subscriber not in self._pending
        ]
        await self._reauthenticate_all(
            [s for s in subscribers if everyone or s.suspended or _is_expired(s, now)]
        )

    async def _reauthenticate_all(self, subscribers: list[Subscriber]) -> None:
        """Check them at the same time, and suspend those whose check takes too long."""
        for subscriber in subscribers:
            task = self._pending[subscriber] = asyncio.create_task(self._reauthenticate(subscriber))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if subscribers:
            await asyncio.wait(
                [self._pending[subscriber] for subscriber in subscribers], timeout=_WAIT_SECONDS
            )
        for subscriber in subscribers:
            if subscriber in self._pending:
                subscriber.suspend()

    async def _reauthenticate(self, subscriber: Subscriber) -> None:
        apply_result = await _authenticate(subscriber)
        # A newer check may have begun since, and what this one read may be out of date.
        if self._pending.get(subscriber) is asyncio.current_task():
            del self._pending[subscriber]
            apply_result()


async def _authenticate(subscriber: Subscriber) -> Callable[[], None]:
    """Check a credential; returns what is to be done with the subscriber."""
    try:
        actor = await subscriber.reader.authenticate()
    except Unavailable:
        return subscriber.suspend
    except Unauthenticated as refusal:
        reason: CloseReason = "expired" if refusal.reason == "expired" else "revoked"
        return lambda: subscriber.close(reason)
    except Refusal:
        return lambda: subscriber.close("revoked")
    except Exception:
        _log.error("a subscriber could not be authenticated again", exc_info=True)
        return subscriber.suspend
    return lambda: subscriber.resume(actor)


def _is_expired(subscriber: Subscriber, now: int) -> bool:
    expires_at = subscriber.reader.actor.expires_at
    return expires_at is not None and expires_at <= now


def _subject_ids(event: LoggedEvent) -> list[str]:
    """The ids that an event concerns; of a merge also the id that no longer exists."""
    if event.kind != "identity.merged":
        return [event.subject_id]
    return [event.subject_id, str(msgspec.json.decode(event.body)["merged_id"])]


def _credential_ids(subscriber: Subscriber) -> set[str | None]:
    actor = subscriber.reader.actor
    return {actor.identity_id, actor.key_id, actor.session_id, *actor.depends_on}
