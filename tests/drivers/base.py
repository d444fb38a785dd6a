"""The methods of every driver: open, post, read, page, list, close, get."""

from typing import Any

from koine.model.conversation import Conversation
from tests.drivers.asgi import Caller, Reply
from tests.drivers.cast_app import CastApp


class Refused(Exception):
    """A response that is no 2xx; `reply` is the response."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status, reply.text)
        self.reply = reply


class Driver:
    """A client of one dialect, as one person of Acme. Methods raise Refused for all but a 2xx."""

    name = ""
    sees_notes = False
    """Whether this client may read private notes."""
    reads_all = True
    """Whether `page` returns all messages of a conversation."""

    def __init__(self, cast_app: CastApp) -> None:
        self.cast_app = cast_app
        self.call: Caller = cast_app.call.with_headers(self.headers())

    def headers(self) -> dict[str, str]:
        """The headers with the credential."""
        return {}

    async def open(self) -> str:
        """Open a conversation as this dialect does; return the engine's id of it."""
        raise NotImplementedError

    async def post(self, conversation: Conversation, text: str) -> None:
        """Post a message."""
        raise NotImplementedError

    async def page(self, conversation: Conversation, number: int, size: int) -> list[str]:
        """The texts of one page of messages, in the dialect's order."""
        raise NotImplementedError

    async def list_ids(self, number: int = 1, size: int = 100) -> list[str]:
        """The ids of one page of conversations, in the dialect's order."""
        raise NotImplementedError

    async def get(self, conversation: Conversation) -> Any:
        """The conversation as this dialect returns it."""
        raise NotImplementedError

    async def close(self, conversation: Conversation) -> None:
        """Close the conversation."""
        raise NotImplementedError

    def is_closed(self, conversation: Any) -> bool:
        """Whether a conversation returned by `get` is closed."""
        raise NotImplementedError

    def last_text(self, conversation: Any) -> str | None:
        """The last message's text in a conversation returned by `get`, if the dialect has it."""
        return None

    async def read(self, conversation: Conversation) -> list[str]:
        """The texts of the messages, oldest first."""
        raise NotImplementedError

    async def request(self, method: str, url: str, body: object = None) -> Any:
        """Send a request that must succeed; return its JSON."""
        reply = await self.call(method, url, body)
        if not 200 <= reply.status < 300:
            raise Refused(reply)
        return reply.json() if reply.content else None
