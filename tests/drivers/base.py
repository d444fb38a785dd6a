"""What every driver can do: open, post, read, page, list, close, see whether it is closed, get."""

from typing import Any

from koine.model.conversation import Conversation
from tests.drivers.asgi import Caller, Reply
from tests.drivers.world import World


class Refused(Exception):
    """The dialect said no; the reply is kept."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status, reply.text)
        self.reply = reply


class Driver:
    """One dialect, spoken as one person of Acme. Verbs raise Refused for anything but a 2xx."""

    name = ""
    speaker = ""
    sees_notes = False
    """Whether the speaker may read private notes here."""
    reads_all = True
    """Whether `pages` leads through all messages of a conversation."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.call: Caller = world.call.as_(self.headers())

    def headers(self) -> dict[str, str]:
        """The credential."""
        return {}

    async def open(self) -> str:
        """Open a conversation the dialect's own way; give our id."""
        raise NotImplementedError

    async def post(self, talk: Conversation, text: str) -> None:
        """Post a message."""
        raise NotImplementedError

    async def page(self, talk: Conversation, number: int, size: int) -> list[str]:
        """One page of the messages' texts, in the dialect's own order."""
        raise NotImplementedError

    async def listed(self, number: int = 1, size: int = 100) -> list[str]:
        """The ids of one page of the conversations, in the dialect's own order."""
        raise NotImplementedError

    async def get(self, talk: Conversation) -> Any:
        """The conversation itself, as the dialect shows it."""
        raise NotImplementedError

    async def close(self, talk: Conversation) -> None:
        """Close the conversation."""
        raise NotImplementedError

    def is_closed(self, shown: Any) -> bool:
        """Whether a conversation that `get` gave is closed."""
        raise NotImplementedError

    def latest(self, shown: Any) -> str | None:
        """The last message's text as `get` shows it; None where it shows none."""
        return None

    async def read(self, talk: Conversation) -> list[str]:
        """The texts, oldest first."""
        raise NotImplementedError

    async def ask(self, method: str, url: str, body: object = None) -> Any:
        """A call that must succeed; its JSON."""
        reply = await self.call(method, url, body)
        if not 200 <= reply.status < 300:
            raise Refused(reply)
        return reply.json() if reply.content else None
