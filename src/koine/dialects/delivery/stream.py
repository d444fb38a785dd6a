"""What happens, as a client of this dialect follows it live (Koine's choice: OnDi documents no
stream). Objects are those of the GETs; the caller hears of what it could get."""

from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct

from koine.dialects.delivery import auth, shapes, wire
from koine.engine import access
from koine.http import sse
from koine.http.call import Call, Stream
from koine.http.route import Routes
from koine.kit.times import iso_ms
from koine.model.actor import Actor
from koine.model.conversation import unread
from koine.model.event import Logged
from koine.model.happening import Happening
from koine.relay.voice import Whisper

_SAID = ("message.created", "message.updated")
_NAMES = {"conversation.read": "read_status.updated"}
_encode = msgspec.json.encode

routes = Routes()


class Told(Struct, frozen=True, omit_defaults=True):
    """One event. `conversation` is as GET shows it to the caller, null once it is gone or the
    caller is out of it."""

    event: str
    id: str
    timestamp: str
    conversation_id: str
    conversation: wire.Conversation | None
    message: wire.MessageItem | None = None


class Typing(Struct, frozen=True):
    """Somebody writes, or stopped."""

    conversation_id: str
    user_id: str
    name: str | None
    typing: bool


class StreamQuery(wire.Common, frozen=True):
    """Where to begin: behind the cursor, as `Last-Event-ID` does."""

    cursor: str | None = None


@routes.get(
    "/messaging/events",
    query=StreamQuery,
    returns=Told,
    media=sse.MEDIA,
    live=True,
    tags=("Events",),
)
async def follow(call: Call[None, StreamQuery]) -> Stream:
    """Follow conversations and messages by server-sent events (D)."""

    async def ask() -> Actor:
        return await auth.known(call)

    return sse.stream(call, DeliveryVoice(call.actor, ask, call.base_url))


class DeliveryVoice:
    """One reader: who takes part hears what is said, who may see the conversation that it moved."""

    name = "delivery"

    def __init__(
        self, actor: Actor, ask: Callable[[], Awaitable[Actor]], base_url: str = ""
    ) -> None:
        self.actor = actor
        self._ask = ask
        self._base_url = base_url

    async def authenticate(self) -> Actor:
        """Who reads, asked again."""
        return await self._ask()

    def frame(self, happening: Happening) -> bytes | None:
        """The event; private notes are unknown to this dialect."""
        event, found = happening.event, happening.conversation
        if event.conversation_id is None and event.kind != "conversation.deleted":
            return None
        said = event.kind in _SAID
        if said and (happening.message is None or happening.message.private):
            return None
        me = happening.part_of(self.actor.identity_id)
        takes_part = me is not None and me.left_at is None
        sees = _is_there(happening) and (takes_part or access.sees_all(self.actor))
        hears = said and sees and (takes_part or self.actor.is_system_admin)
        count = 0 if found is None else unread(found, me, sees_private=False)
        reads = access.reads(self.actor, happening.readers)
        who = None if me is None else me.identity_id
        key = ("delivery", self._base_url, sees, hears, reads, count, who)
        return happening.once(key, lambda: self._made(happening, sees, hears))

    def whisper(self, whisper: Whisper, happening: Happening | None) -> bytes | None:
        """Who is writing."""
        if whisper.conversation_id is None or whisper.hidden:
            return None
        told = Typing(whisper.conversation_id, whisper.identity_id, whisper.name, whisper.on)
        return sse.frame("typing", _encode(told))

    def _made(self, happening: Happening, sees: bool, hears: bool) -> bytes:
        event = happening.event
        kind = _kind(event, hears) if sees else "conversation.removed"
        said = happening.message if hears else None
        message = None if said is None else shapes.message(said, self._base_url)
        told = Told(
            kind,
            event.id,
            iso_ms(event.created_at),
            event.conversation_id or event.subject_id,
            self._conversation(happening) if sees else None,
            message,
        )
        return sse.frame(kind, _encode(told))

    def _conversation(self, happening: Happening) -> wire.Conversation | None:
        found = happening.conversation
        if found is None:
            return None
        people = list(happening.participants)
        latest = shapes.latest(found, happening.around, self.actor)
        return shapes.conversation(
            found, self.actor.tenant_id, people, latest, self.actor.identity_id, self._base_url
        )


def _is_there(happening: Happening) -> bool:
    return happening.conversation is not None and happening.conversation.removed_at is None


def _kind(event: Logged, hears: bool) -> str:
    if event.kind in _SAID and not hears:
        return "conversation.updated"
    if event.kind.startswith("participant."):
        return "participants.updated"
    return _NAMES.get(event.kind, event.kind)
