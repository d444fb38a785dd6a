"""Who is there: people with a live seat on any node. Nothing is stored.

Each node says who came, who went, and from time to time who is still there; who was not named
for a while has gone, and their node perhaps with them.
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
"""Seconds between two times that a node names who is there."""
_REMOTE_TIMEOUT = 50 * SECOND
OFFLINE_DELAY = 3.0
"""Seconds one stays online after the last seat: a reader that comes back has not been away."""
Person = tuple[str, str, IdentityKind]
"""Tenant, identity and what kind of person it is."""


class Presence:
    """What this process knows of who is there, from its own seats and from the other nodes."""

    def __init__(
        self,
        hub: Hub,
        tell: Callable[[EphemeralEvent], None],
        remind: Callable[[EphemeralEvent], None],
    ) -> None:
        self._hub = hub
        self._publish_event = tell
        self._publish_heartbeat = remind
        self._local: Counter[Person] = Counter()
        self._away: set[Person] = set()
        self._remote: dict[Person, tuple[Availability, int]] = {}
        self._revisions: Counter[str] = Counter()

    def connected(self, actor: Actor) -> None:
        """Somebody took a seat here."""
        person = _person(actor)
        if person is None:
            return
        self._local[person] += 1
        if self._local[person] == 1:
            self._publish(person)

    def disconnected(self, actor: Actor) -> None:
        """Somebody gave up a seat here."""
        person = _person(actor)
        if person is None:
            return
        self._local[person] -= 1
        if self._local[person] <= 0:
            asyncio.get_running_loop().call_later(OFFLINE_DELAY, self._offline, person)

    def set(self, actor: Actor, availability: Availability) -> None:
        """Somebody with a seat here or elsewhere says that they are away, or back."""
        person = _person(actor)
        if person is None:
            return
        self._set_availability(person, availability)
        self._publish(person, availability, chosen=True)

    def apply_remote(self, whisper: EphemeralEvent) -> bool:
        """Another node says who is there; whether that is news to readers here."""
        if whisper.kind != "presence":
            return True
        is_news = self._apply(whisper)
        if is_news:
            self._bump_revision(whisper.tenant_id, whisper.identity_kind)
        return is_news

    def revision(self, tenant_id: str) -> int:
        """Grows whenever a user of the tenant comes, goes or changes their availability."""
        return self._revisions[tenant_id]

    def _apply(self, whisper: EphemeralEvent) -> bool:
        person = (whisper.tenant_id, whisper.identity_id, whisper.identity_kind)
        if whisper.explicit:
            self._set_availability(person, whisper.availability)
        elif whisper.availability == "offline":
            self._remote.pop(person, None)
        else:
            now = self._hub.engine.clock.now()
            before = self._remote.get(person)
            self._remote[person] = (whisper.availability, now + _REMOTE_TIMEOUT)
            return before is None or before[0] != whisper.availability or before[1] <= now
        return True

    def online(self, tenant_id: str, kind: IdentityKind | None = None) -> dict[str, Availability]:
        """Everyone of the tenant who is there, by identity; those of one kind where one is said."""
        now = self._hub.engine.clock.now()
        there = {
            identity_id: availability
            for (tenant, identity_id, what), (availability, until) in self._remote.items()
            if tenant == tenant_id and until > now and kind in (None, what)
        }
        for person, seats in self._local.items():
            if person[0] == tenant_id and seats > 0 and kind in (None, person[2]):
                there[person[1]] = self._availability(person)
        return there

    async def run(self) -> None:
        """Name who is there to the other nodes, for as long as the process lives: to readers that
        is no news."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            now = self._hub.engine.clock.now()
            for person in [p for p, (_, until) in self._remote.items() if until <= now]:
                del self._remote[person]
            for person, seats in list(self._local.items()):
                if seats > 0:
                    self._publish_heartbeat(_event(person, self._availability(person)))

    def _set_availability(self, person: Person, availability: Availability) -> None:
        """Where one has a seat and where one says so may be different nodes."""
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
            elsewhere = self._remote.get(person)
            if elsewhere is None:
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
    """Who takes the seat; a key is a program, and nobody by itself."""
    if not actor.identity_id or actor.kind == "key":
        return None
    kind: IdentityKind = "contact" if actor.kind == "contact" else "user"
    return (actor.tenant_id, actor.identity_id, kind)
