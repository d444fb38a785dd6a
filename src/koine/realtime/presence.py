"""Presence: which people have an open stream on any node. Nothing is stored.

Each node publishes who connected and who disconnected, and repeats from time to time who is
connected. Somebody who was not named for `_REMOTE_TIMEOUT` counts as offline: their node may have
died.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

from koine.kit.times import SECOND
from koine.model.actor import Actor
from koine.model.identity import IdentityKind
from koine.realtime.hub import Hub
from koine.realtime.reader import Availability, EphemeralEvent

HEARTBEAT_SECONDS = 20.0
"""Seconds between two heartbeats of a node, each with everybody who is connected to it."""
_REMOTE_TIMEOUT = 50 * SECOND
OFFLINE_DELAY = 3.0
"""Seconds for which a person stays online after the last stream: a client that reconnects was not
away."""
Person = tuple[str, str, IdentityKind]
"""Tenant, identity, and the kind of identity."""


class Presence:
    """Who is online, as far as this process knows: from its own streams and from other nodes."""

    def __init__(
        self,
        hub: Hub,
        publish_event: Callable[[EphemeralEvent], None],
        publish_heartbeat: Callable[[EphemeralEvent], None],
    ) -> None:
        self._hub = hub
        self._publish_event = publish_event
        self._publish_heartbeat = publish_heartbeat
        self._local: Counter[Person] = Counter()
        self._away: set[Person] = set()
        self._remote: dict[Person, tuple[Availability, int]] = {}
        self._revisions: Counter[str] = Counter()

    def connected(self, actor: Actor) -> None:
        """A stream of this actor was opened here."""
        person = _person(actor)
        if person is None:
            return
        self._local[person] += 1
        if self._local[person] == 1:
            self._publish(person)

    def disconnected(self, actor: Actor) -> None:
        """A stream of this actor was closed here."""
        person = _person(actor)
        if person is None:
            return
        self._local[person] -= 1
        if self._local[person] <= 0:
            asyncio.get_running_loop().call_later(OFFLINE_DELAY, self._offline, person)

    def set(self, actor: Actor, availability: Availability) -> None:
        """A person with a stream on any node chose to be away, or to be back."""
        person = _person(actor)
        if person is None:
            return
        self._set_availability(person, availability)
        self._publish(person, availability, chosen=True)

    def apply_remote(self, event: EphemeralEvent) -> bool:
        """Apply another node's event; returns whether streams here must be sent it."""
        if event.kind != "presence":
            return True
        is_news = self._apply(event)
        if is_news:
            self._bump_revision(event.tenant_id, event.identity_kind)
        return is_news

    def revision(self, tenant_id: str) -> int:
        """A number that changes whenever a user of the tenant connects, disconnects or changes
        their availability."""
        return self._revisions[tenant_id]

    def _apply(self, event: EphemeralEvent) -> bool:
        person = (event.tenant_id, event.identity_id, event.identity_kind)
        if event.explicit:
            self._set_availability(person, event.availability)
        elif event.availability == "offline":
            self._remote.pop(person, None)
        else:
            now = self._hub.engine.clock.now()
            before = self._remote.get(person)
            self._remote[person] = (event.availability, now + _REMOTE_TIMEOUT)
            return before is None or before[0] != event.availability or before[1] <= now
        return True

    def online(self, tenant_id: str, kind: IdentityKind | None = None) -> dict[str, Availability]:
        """Everybody of the tenant who is not offline, by identity id; of one kind if given."""
        now = self._hub.engine.clock.now()
        online = {
            identity_id: availability
            for (tenant, identity_id, of_kind), (availability, until) in self._remote.items()
            if tenant == tenant_id and until > now and kind in (None, of_kind)
        }
        for person, connections in self._local.items():
            if person[0] == tenant_id and connections > 0 and kind in (None, person[2]):
                online[person[1]] = self._availability(person)
        return online

    async def run(self) -> None:
        """Publish a heartbeat from time to time, until cancelled. Streams are not sent it: nothing
        changed."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            now = self._hub.engine.clock.now()
            for person in [p for p, (_, until) in self._remote.items() if until <= now]:
                del self._remote[person]
            for person, connections in list(self._local.items()):
                if connections > 0:
                    self._publish_heartbeat(_event(person, self._availability(person)))

    def _set_availability(self, person: Person, availability: Availability) -> None:
        """A person's stream and the request that sets it may be on different nodes."""
        if self._local[person] > 0:
            (self._away.add if availability == "away" else self._away.discard)(person)
        if person in self._remote:
            self._remote[person] = (availability, self._remote[person][1])

    def _bump_revision(self, tenant_id: str, kind: IdentityKind) -> None:
        if kind == "user":
            self._revisions[tenant_id] += 1

    def _availability(self, person: Person) -> Availability:
        return "away" if person in self._away else "online"

    def _offline(self, person: Person) -> None:
        if self._local[person] <= 0:
            del self._local[person]
            self._away.discard(person)
            if person not in self._remote:
                self._publish(person, "offline")

    def _publish(
        self, person: Person, availability: Availability | None = None, chosen: bool = False
    ) -> None:
        self._bump_revision(person[0], person[2])
        self._publish_event(_event(person, availability or self._availability(person), chosen))


def _event(person: Person, availability: Availability, chosen: bool = False) -> EphemeralEvent:
    return EphemeralEvent(
        tenant_id=person[0],
        kind="presence",
        identity_id=person[1],
        identity_kind=person[2],
        availability=availability,
        explicit=chosen,
    )


def _person(actor: Actor) -> Person | None:
    """The person of a stream; None for a key, which is a program."""
    if not actor.identity_id or actor.kind == "key":
        return None
    kind: IdentityKind = "contact" if actor.kind == "contact" else "user"
    return (actor.tenant_id, actor.identity_id, kind)
