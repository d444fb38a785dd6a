"""Chatwoot's client API, spoken by Carol from her own place in the website inbox."""

from typing import Any

from koine.model.conversation import Conversation
from tests.drivers.base import Driver


class InboxDriver(Driver):
    """Carol's widget."""

    name = "inbox"
    speaker = "carol"

    @property
    def base(self) -> str:
        """Where Carol's conversations are."""
        acme = self.world.cast.acme
        place = f"/public/api/v1/inboxes/{acme.inbox.identifier}/contacts"
        return f"{place}/{acme.places['carol'].source_id}/conversations"

    def at(self, talk: Conversation) -> str:
        """The conversation's own path."""
        return f"{self.base}/{talk.number}"

    async def open(self) -> str:
        return str((await self.ask("POST", self.base, {}))["uuid"])

    async def post(self, talk: Conversation, text: str) -> None:
        await self.ask("POST", f"{self.at(talk)}/messages", {"content": text})

    async def page(self, talk: Conversation, number: int, size: int) -> list[str]:
        """Twenty at a time (F), before the oldest known."""
        before = ""
        for _ in range(number):
            url = f"{self.at(talk)}/messages{before}"
            found = await self.ask("GET", url)
            if not found:
                return []
            before = f"?before={found[0]['id']}"
        return [m["content"] for m in found][::-1]

    async def read(self, talk: Conversation) -> list[str]:
        return (await self.page(talk, 1, 20))[::-1]

    async def listed(self, number: int = 1, size: int = 100) -> list[str]:
        """All at once (F): this list has no pages."""
        found = [] if number > 1 else await self.ask("GET", self.base)
        return [c["uuid"] for c in found]

    async def get(self, talk: Conversation) -> Any:
        return await self.ask("GET", self.at(talk))

    async def close(self, talk: Conversation) -> None:
        await self.ask("POST", f"{self.at(talk)}/toggle_status")

    def is_closed(self, shown: Any) -> bool:
        return bool(shown["status"] == "resolved")

    def latest(self, shown: Any) -> str | None:
        return shown["messages"][-1]["content"] if shown["messages"] else None
