"""What happens, as a client of this dialect follows it live (Koine's choice: Zaia documents no
stream). `data` is what the GETs of this dialect show."""

from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct

from koine.dialects.chats import auth, shapes
from koine.dialects.chats.wire import Chat, ChatMessage
from koine.http import sse
from koine.http.call import Call, Stream
from koine.http.route import Routes
from koine.kit.times import iso_ms
from koine.model.actor import Actor
from koine.model.happening import Happening
from koine.relay.voice import Whisper

_SAID = {"message.created": "chat-message.created", "message.updated": "chat-message.updated"}
_encode = msgspec.json.encode

routes = Routes()


class Told(Struct, frozen=True, rename="camel"):
    """One event. `chat` is null once it is deleted; `chatMessage` is what was said."""

    event: str
    id: str
    created_at: str
    chat_id: str
    chat: Chat | None
    chat_message: ChatMessage | None


class Typing(Struct, frozen=True, rename="camel"):
    """Somebody writes, or stopped."""

    chat_id: str
    sender_id: str
    is_typing: bool


class StreamQuery(Struct, frozen=True, kw_only=True):
    """Where to begin: behind the cursor, as `Last-Event-ID` does."""

    cursor: str | None = None


@routes.get(
    "/api/v1/chats/events",
    query=StreamQuery,
    returns=Told,
    media=sse.MEDIA,
    live=True,
    summary="Follow chats and their messages by server-sent events",
)
async def follow(call: Call[None, StreamQuery]) -> Stream:
    """From now on, or from behind the cursor that `Last-Event-ID` or `cursor` shows."""

    async def ask() -> Actor:
        return await auth.known(call)

    return sse.stream(call, ChatsVoice(call.actor, ask, call.base_url))


class ChatsVoice:
    """One reader, the workspace's key; every key of a workspace is shown the same."""

    name = "chats"

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
        event, message = happening.event, happening.message
        if event.kind in _SAID and (message is None or message.private):
            return None
        kind = _kind(happening)
        if not kind:
            return None
        key = ("chats", self._base_url)
        return happening.once(key, lambda: _made(kind, happening, self._base_url))

    def whisper(self, whisper: Whisper, happening: Happening | None) -> bytes | None:
        """Who is writing."""
        if whisper.conversation_id is None or whisper.hidden:
            return None
        told = Typing(whisper.conversation_id, whisper.identity_id, whisper.on)
        return sse.frame("typing", _encode(told))


def _kind(happening: Happening) -> str:
    """The event's name here, "" for what this dialect says nothing of."""
    kind, found = happening.event.kind, happening.conversation
    if kind == "conversation.deleted":
        return "chat.deleted"
    if found is None or kind == "conversation.read":
        return ""
    if kind == "conversation.created":
        return "chat.created"
    return _SAID.get(kind, "chat.updated")


def _made(kind: str, happening: Happening, base_url: str) -> bytes:
    event, found = happening.event, happening.conversation
    said, shown = happening.message, None
    if found is not None and said is not None:
        shown = shapes.message(said, shapes.owner_id(found), base_url)
    told = Told(
        kind,
        event.id,
        iso_ms(event.created_at),
        event.conversation_id or event.subject_id,
        None if found is None else shapes.chat(found, event.tenant_id),
        shown,
    )
    return sse.frame(kind, _encode(told))
