"""A reader of events and the encoder of its language: what a dialect gives to the hub."""

from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Literal, Protocol

from msgspec import Struct

from koine.model.actor import Actor
from koine.model.event_context import EventContext
from koine.model.identity import IdentityKind

EphemeralKind = Literal["typing", "presence"]
Availability = Literal["online", "away", "offline"]


class EphemeralEvent(Struct, frozen=True, kw_only=True):
    """What is told now or never: somebody writes (or stopped) in a conversation, or is there.

    `on` is False when the writing stopped; `availability` is for presence alone, `chosen` by the
    person or seen by a node. `hidden` says that it is a private note that is being written.
    `number` is the writer's own in the tenant, 0 where nobody needs it.
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
    """Encodes events in one language. Frozen and hashable: what one made for a view is sent to
    every reader whose encoder and view are equal. Quick and pure. It holds and gets nothing of a
    reader but the view (`tests/dialects/test_encoders.py`)."""

    def encode(self, context: EventContext, view: Any) -> bytes | None:
        """An event of the log, of which readers with this view are shown as much as it says;
        None when there is nothing left to show."""

    def encode_ephemeral(
        self, ephemeral: EphemeralEvent, context: EventContext | None, view: Any
    ) -> bytes | None:
        """As `encode`, of a ephemeral; the context holds its conversation, if it has one."""


class Reader(Protocol):
    """One reader: the credential and the language. All but `authenticate` is quick and pure."""

    name: str
    actor: Actor

    @property
    def encoder(self) -> EventEncoder:
        """What encodes for this reader."""

    async def authenticate(self) -> Actor:
        """The actor behind the same credential, asked again. Raises Unauthenticated, Forbidden,
        NotFound when it opens nothing any more; Unavailable when nobody can tell."""

    def view(self, context: EventContext) -> Hashable | None:
        """All that `encoder.encode` needs to know of the reader; None when this language shows
        nothing of the event to this reader. The hub has asked `engine.hearing` before."""

    def ephemeral_view(
        self, ephemeral: EphemeralEvent, context: EventContext | None
    ) -> Hashable | None:
        """As `view`, for `encoder.encode_ephemeral`."""


class ActorEncoder(EventEncoder, Protocol):
    """An encoder of readers of whom nothing but the actor matters."""

    @property
    def name(self) -> str:
        """What the language is called in metrics."""

    def view(self, context: EventContext, actor: Actor) -> Hashable | None:
        """As `Voice.view`."""

    def ephemeral_view(self, ephemeral: EphemeralEvent) -> Hashable | None:
        """As `Voice.ephemeral_view`."""


class ActorReader:
    """A reader of whom nothing but the actor matters; `ask` finds out again who it is."""

    def __init__(
        self, encoder: ActorEncoder, actor: Actor, ask: Callable[[], Awaitable[Actor]]
    ) -> None:
        self.name = encoder.name
        self.actor = actor
        self.encoder = encoder
        self._ask = ask

    async def authenticate(self) -> Actor:
        """Who reads, asked again."""
        return await self._ask()

    def view(self, context: EventContext) -> Hashable | None:
        """What the encoder shows the actor."""
        return self.encoder.view(context, self.actor)

    def ephemeral_view(
        self, ephemeral: EphemeralEvent, context: EventContext | None
    ) -> Hashable | None:
        """What the encoder shows of a ephemeral."""
        return self.encoder.ephemeral_view(ephemeral)
