"""How one reader is spoken to: what a dialect brings along when it takes a seat."""

from typing import Literal, Protocol

from msgspec import Struct

from koine.model.actor import Actor
from koine.model.happening import Happening
from koine.model.identity import IdentityKind

WhisperKind = Literal["typing", "presence"]
Availability = Literal["online", "away", "offline"]


class Whisper(Struct, frozen=True, kw_only=True):
    """What is told now or never: somebody writes (or stopped) in a conversation, or is there.

    `on` is False when the writing stopped; `availability` is for presence alone, `chosen` by the
    person or seen by a node. `hidden` says that it is a private note that is being written.
    `number` is the writer's own in the tenant, 0 where nobody needs it.
    """

    tenant_id: str
    kind: WhisperKind
    identity_id: str
    identity_kind: IdentityKind = "user"
    name: str | None = None
    conversation_id: str | None = None
    on: bool = True
    hidden: bool = False
    availability: Availability = "online"
    chosen: bool = False
    number: int = 0


class Voice(Protocol):
    """One reader's credential and language. Everything but `authenticate` is quick and pure."""

    name: str
    actor: Actor

    async def authenticate(self) -> Actor:
        """The actor behind the same credential, asked again. Raises Unauthenticated, Forbidden,
        NotFound when it opens nothing any more; Unavailable when nobody can tell."""

    def frame(self, happening: Happening) -> bytes | None:
        """What the reader is shown; None when this language says nothing of it to this reader.

        The hub has asked `engine.hearing` before. Use `happening.once` for what many are shown.
        """

    def whisper(self, whisper: Whisper, happening: Happening | None) -> bytes | None:
        """As `frame`, for a whisper; the happening holds its conversation, if it has one."""
