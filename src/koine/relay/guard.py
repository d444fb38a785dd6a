"""Rights that end while somebody listens: seats are asked again who they are.

At once when the log tells that a credential, a person or the tenant changed; when a credential's
own time is over; and every few seconds while the log itself is held up.
"""

import msgspec

from koine.engine import credentials
from koine.model.errors import Refusal, Unauthenticated, Unavailable
from koine.model.event import EventKind, Logged
from koine.relay.hub import Hub
from koine.relay.seat import Seat

_OWN: frozenset[EventKind] = frozenset(
    {"credential.changed", "identity.updated", "identity.removed", "identity.merged"}
)
_ALL: frozenset[EventKind] = frozenset({"tenant.updated", "inbox.updated"})


class Guard:
    """Asks the seats of a hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def check(self, tenant_id: str, events: list[Logged]) -> None:
        """Ask those whom these events of their tenant concern."""
        concerned = [event for event in events if event.kind in _OWN or event.kind in _ALL]
        if not concerned:
            return
        credentials.forget(self._hub.engine)
        everyone = any(event.kind in _ALL for event in concerned)
        subjects = {name for event in concerned for name in _subjects(event)}
        for seat in self._hub.seats(tenant_id):
            if everyone or not subjects.isdisjoint(_names(seat)):
                await _ask(seat)

    async def sweep(self, everyone: bool) -> None:
        """Ask those whose credential ends, whom nobody could tell about before, or everyone."""
        now = self._hub.engine.clock.now()
        if everyone:
            credentials.forget(self._hub.engine)
        for seat in self._hub.seats():
            expires_at = seat.voice.actor.expires_at
            if everyone or seat.doubtful or (expires_at is not None and expires_at <= now):
                await _ask(seat)


async def _ask(seat: Seat) -> None:
    try:
        seat.voice.actor = await seat.voice.authenticate()
        seat.resume()
    except Unavailable:
        seat.suspend()
    except Unauthenticated as refusal:
        seat.close("expired" if refusal.reason == "expired" else "revoked")
    except Refusal:
        seat.close("revoked")


def _subjects(event: Logged) -> list[str]:
    """Whom it concerns: of two that merged, also the one that is no more."""
    if event.kind != "identity.merged":
        return [event.subject_id]
    return [event.subject_id, str(msgspec.json.decode(event.body)["merged_id"])]


def _names(seat: Seat) -> set[str | None]:
    actor = seat.voice.actor
    return {actor.identity_id, actor.key_id, actor.session_id}
