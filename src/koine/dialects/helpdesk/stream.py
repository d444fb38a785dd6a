"""What happens, as a client of this dialect follows it live (Koine's choice: G-Tateth documents no
stream). Events are those of the webhooks, objects those of the GETs."""

from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct

from koine.dialects.helpdesk import auth, happened
from koine.engine import access
from koine.http import sse
from koine.http.call import Call, Stream
from koine.http.route import Routes
from koine.kit.times import iso_ms
from koine.model.actor import Actor
from koine.model.happening import Happening
from koine.relay.voice import Whisper

_encode = msgspec.json.encode

routes = Routes()


class Told(Struct, frozen=True):
    """One event: `id` is the same however often it is told. `data` is a conversation, a customer,
    a message with its conversation, or the `_id` of what was deleted."""

    event: str
    id: str
    timestamp: str
    data: dict[str, object] | msgspec.Raw


class Typing(Struct, frozen=True, rename="camel"):
    """Somebody writes, or stopped."""

    conversation_id: str
    user_id: str
    name: str | None
    is_typing: bool
    is_private: bool


class StreamQuery(Struct, frozen=True, kw_only=True):
    """Where to begin: behind the cursor, as `Last-Event-ID` does."""

    cursor: str | None = None


@routes.get(
    "/api/v1/conversations/events", query=StreamQuery, returns=Told, media=sse.MEDIA, live=True
)
async def follow(call: Call[None, StreamQuery]) -> Stream:
    """Follow conversations, messages and customers by server-sent events."""

    async def ask() -> Actor:
        return await auth.known(call)

    return sse.stream(call, HelpdeskVoice(call.actor, ask))


class HelpdeskVoice:
    """One reader: who may read conversations is shown the same, private notes included."""

    name = "helpdesk"

    def __init__(self, actor: Actor, ask: Callable[[], Awaitable[Actor]]) -> None:
        self.actor = actor
        self._ask = ask

    async def authenticate(self) -> Actor:
        """Who reads, asked again."""
        return await self._ask()

    def frame(self, happening: Happening) -> bytes | None:
        """The event in this dialect's words."""
        return happening.once("helpdesk", lambda: _made(happening))

    def whisper(self, whisper: Whisper, happening: Happening | None) -> bytes | None:
        """Who is writing."""
        if whisper.conversation_id is None:
            return None
        if whisper.hidden and not access.sees_private(self.actor):
            return None
        told = Typing(
            whisper.conversation_id, whisper.identity_id, whisper.name, whisper.on, whisper.hidden
        )
        return sse.frame("typing", _encode(told))


def _made(happening: Happening) -> bytes | None:
    name, data = happened.name(happening), happened.data(happening)
    if name is None or data is None:
        return None
    event, shown = happening.event, msgspec.Raw(_encode(data))
    return sse.frame(name, _encode(Told(name, event.id, iso_ms(event.created_at), shown)))
