"""The inbox dialect as Carol, a contact of the website inbox."""

from typing import Any

from koine.model.conversation import Conversation
from tests.drivers.base import Driver


class InboxDriver(Driver):
    """Carol's chat widget."""

    name = "inbox"

    @property
    def base(self) -> str:
        """The path of Carol's conversations."""
        acme = self.cast_app.cast.acme
        contact = f"/public/api/v1/inboxes/{acme.inbox.identifier}/contacts"
        return f"{contact}/{acme.contact_inboxes['carol'].source_id}/conversations"

    def conversation_path(self, conversation: Conversation) -> str:
        """The path of one conversation."""
        return f"{self.base}/{conversation.number}"

    async def open(self) -> str:
        return str((await self.request("POST", self.base, {}))["uuid"])

    async def post(self, conversation: Conversation, text: str) -> None:
        await self.request(
            "POST", f"{self.conversation_path(conversation)}/messages", {"content": text}
        )

    async def page(self, conversation: Conversation, number: int, size: int) -> list[str]:
        """Pages have twenty messages (F); `before` is the first id of the page before."""
        before = ""
        for _ in range(number):
            url = f"{self.conversation_path(conversation)}/messages{before}"
            found = await self.request("GET", url)
            if not found:
                return []
            before = f"?before={found[0]['id']}"
        return [m["content"] for m in found][::-1]

    async def read(self, conversation: Conversation) -> list[str]:
        return (await self.page(conversation, 1, 20))[::-1]

    async def list_ids(self, number: int = 1, size: int = 100) -> list[str]:
        """This list has no pages (F)."""
        found = [] if number > 1 else await self.request("GET", self.base)
        return [c["uuid"] for c in found]

    async def get(self, conversation: Conversation) -> Any:
        return await self.request("GET", self.conversation_path(conversation))

    async def close(self, conversation: Conversation) -> None:
        await self.request("POST", f"{self.conversation_path(conversation)}/toggle_status")

    def is_closed(self, shown: Any) -> bool:
        return bool(shown["status"] == "resolved")

    def last_text(self, shown: Any) -> str | None:
        return shown["messages"][-1]["content"] if shown["messages"] else None
