"""The helpdesk dialect with an API key that acts as Alice."""

from typing import Any

from koine.model.conversation import Conversation
from tests.drivers.base import Driver

BASE = "/api/v1/conversations"


class HelpdeskDriver(Driver):
    """A program of the tenant."""

    name = "helpdesk"
    sees_notes = True

    def headers(self) -> dict[str, str]:
        return {"X-API-Key": self.cast_app.cast.acme.key}

    async def open(self) -> str:
        body = {"subject": "Help", "inboxId": self.cast_app.cast.acme.inbox.id}
        return str((await self.request("POST", BASE, body))["data"]["_id"])

    async def post(self, conversation: Conversation, text: str) -> None:
        await self.request("POST", f"{BASE}/{conversation.id}/messages", {"text": text})

    async def page(self, conversation: Conversation, number: int, size: int) -> list[str]:
        url = f"{BASE}/{conversation.id}/messages?page={number}&limit={size}"
        return [m["text"] for m in (await self.request("GET", url))["data"]]

    async def read(self, conversation: Conversation) -> list[str]:
        return (await self.page(conversation, 1, 100))[::-1]

    async def list_ids(self, number: int = 1, size: int = 100) -> list[str]:
        url = f"{BASE}?page={number}&limit={size}"
        return [c["_id"] for c in (await self.request("GET", url))["data"]]

    async def get(self, conversation: Conversation) -> Any:
        return (await self.request("GET", f"{BASE}/{conversation.id}"))["data"]

    async def close(self, conversation: Conversation) -> None:
        await self.request("PUT", f"{BASE}/{conversation.id}", {"status": "closed"})

    def is_closed(self, shown: Any) -> bool:
        return bool(shown["status"] == "closed")
