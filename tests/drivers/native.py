"""The native API as Alice, with her access token."""

from typing import Any

from koine.model.conversation import Conversation
from tests.drivers.base import Driver

BASE = "/v1/conversations"


class NativeDriver(Driver):
    """A program that Alice uses."""

    name = "native"
    sees_notes = True

    def headers(self) -> dict[str, str]:
        return self.cast_app.cast.bearer("alice")

    async def open(self) -> str:
        body = {"title": "Native", "inbox_id": self.cast_app.cast.acme.inbox.id}
        return str((await self.request("POST", BASE, body))["id"])

    async def post(self, conversation: Conversation, text: str) -> None:
        await self.request("POST", f"{BASE}/{conversation.id}/messages", {"content": text})

    async def page(self, conversation: Conversation, number: int, size: int) -> list[str]:
        """By cursor."""
        url = f"{BASE}/{conversation.id}/messages?limit={size}"
        found = await self.request("GET", url)
        for _ in range(number - 1):
            if found["next_cursor"] is None:
                return []
            found = await self.request("GET", f"{url}&cursor={found['next_cursor']}")
        return [m["content"] for m in found["data"]]

    async def read(self, conversation: Conversation) -> list[str]:
        return (await self.page(conversation, 1, 100))[::-1]

    async def list_ids(self, number: int = 1, size: int = 100) -> list[str]:
        """By cursor."""
        url = f"{BASE}?limit={size}"
        found = await self.request("GET", url)
        for _ in range(number - 1):
            if found["next_cursor"] is None:
                return []
            found = await self.request("GET", f"{url}&cursor={found['next_cursor']}")
        return [c["id"] for c in found["data"]]

    async def get(self, conversation: Conversation) -> Any:
        return await self.request("GET", f"{BASE}/{conversation.id}")

    async def close(self, conversation: Conversation) -> None:
        await self.request("PATCH", f"{BASE}/{conversation.id}", {"status": "closed"})

    def is_closed(self, shown: Any) -> bool:
        return bool(shown["status"] == "closed")

    def last_text(self, shown: Any) -> str | None:
        return shown["last_message"] and str(shown["last_message"]["content"])
