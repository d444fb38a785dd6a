"""What a dialect brings for a stream: who reads, and the encoder of its format."""

from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Literal, Protocol

from msgspec import Struct

from koine.model.actor import Actor
from koine.model.event_context import EventContext
from koine.model.identity import IdentityKind

EphemeralKind = Literal["typing", "presence"]
Availability = Literal["online", "away", "offline"]


class EphemeralEvent(Struct, frozen=True, kw_only=True):
    """An event that is sent to open streams at once, or never: typing, or presence.

    `active` is False when the typing stopped. `private` means that a private note is being typed.
    `availability` is of presence only; `explicit` means that the person chose it, and no node
    derived it from open streams. `number` is the person's number in the tenant, 0 where no dialect
    needs it.
    """

    tenant_id: str
    kind: EphemeralKind
    identity_id: str
    identity_kind: IdentityKind = "user"
    name: str | None = None
    conversation_id: str | None = None
    active: bool = True
    private: bool = False
    availability: Availability = "online"
    explicit: bool = False
    number: int = 0


class EventEncoder(Protocol):
    """Encodes events in one format. Frozen and hashable: the bytes made for a view are sent to
    every reader with an equal encoder and an equal view. Both methods are quick and have no side
    effects. An encoder neither holds nor gets anything of a reader except the view
    (`tests/dialects/test_encoders.py`)."""

    def encode(self, context: EventContext, view: Any) -> bytes | None:
        """The bytes of an event for readers with this view; None for nothing."""

    def encode_ephemeral(
        self, ephemeral: EphemeralEvent, context: EventContext | None, view: Any
    ) -> bytes | None:
        """As `encode`, of an ephemeral event; `context` holds its conversation, if it has one."""


class Reader(Protocol):
    """One reader: a credential and a format. All but `authenticate` is quick and has no side
    effects."""

    name: str
    actor: Actor

    @property
    def encoder(self) -> EventEncoder:
        """What encodes for this reader."""

    async def authenticate(self) -> Actor:
        """The actor of the same credential, checked again. Raises Unauthenticated, Forbidden or
        NotFound when it is no longer valid, Unavailable when it cannot be checked now."""

    def view(self, context: EventContext) -> Hashable | None:
        """All that `encoder.encode` needs to know of this reader; None when the format has nothing
        of the event for it. Called only for events that `engine.auth.visibility` allows."""

    def ephemeral_view(
        self, ephemeral: EphemeralEvent, context: EventContext | None
    ) -> Hashable | None:
        """As `view`, for `encoder.encode_ephemeral`."""


class ActorEncoder(EventEncoder, Protocol):
    """An encoder whose views depend on nothing but the actor."""

    @property
    def name(self) -> str:
        """The name of the format in metrics."""

    def view(self, context: EventContext, actor: Actor) -> Hashable | None:
        """As `Reader.view`."""

    def ephemeral_view(self, ephemeral: EphemeralEvent) -> Hashable | None:
        """As `Reader.ephemeral_view`."""


class ActorReader:
    """A reader of an `ActorEncoder`; `authenticate` checks its credential again."""

    def __init__(
        self, encoder: ActorEncoder, actor: Actor, authenticate: Callable[[], Awaitable[Actor]]
    ) -> None:
        self.name = encoder.name
        self.actor = actor
        self.encoder = encoder
        self._authenticate = authenticate

    async def authenticate(self) -> Actor:
        """The actor, checked again."""
        return await self._authenticate()

    def view(self, context: EventContext) -> Hashable | None:
        """The encoder's view for the actor."""
        return self.encoder.view(context, self.actor)

    def ephemeral_view(
        self, ephemeral: EphemeralEvent, context: EventContext | None
    ) -> Hashable | None:
        """The encoder's view of an ephemeral event."""
        return self.encoder.ephemeral_view(ephemeral)
