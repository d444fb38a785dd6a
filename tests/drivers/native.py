"""The native API, spoken by Alice with her access token."""

from typing import Any

from koine.model.conversation import Conversation
from tests.drivers.base import Driver

BASE = "/v1/conversations"


class NativeDriver(Driver):
    """Alice's own program."""

    name = "native"
    speaker = "alice"
    sees_notes = True

    def headers(self) -> dict[str, str]:
        return self.world.cast.bearer("alice")

    async def open(self) -> str:
        body = {"title": "Native", "inbox_id": self.world.cast.acme.inbox.id}
        return str((await self.ask("POST", BASE, body))["id"])

    async def post(self, talk: Conversation, text: str) -> None:
        await self.ask("POST", f"{BASE}/{talk.id}/messages", {"content": text})

    async def page(self, talk: Conversation, number: int, size: int) -> list[str]:
        """By cursor."""
        url = f"{BASE}/{talk.id}/messages?limit={size}"
        found = await self.ask("GET", url)
        for _ in range(number - 1):
            if found["next_cursor"] is None:
                return []
            found = await self.ask("GET", f"{url}&cursor={found['next_cursor']}")
        return [m["content"] for m in found["data"]]

    async def read(self, talk: Conversation) -> list[str]:
        return (await self.page(talk, 1, 100))[::-1]

    async def listed(self, number: int = 1, size: int = 100) -> list[str]:
        """By cursor."""
        url = f"{BASE}?limit={size}"
        found = await self.ask("GET", url)
        for _ in range(number - 1):
            if found["next_cursor"] is None:
                return []
            found = await self.ask("GET", f"{url}&cursor={found['next_cursor']}")
        return [c["id"] for c in found["data"]]

    async def get(self, talk: Conversation) -> Any:
        return await self.ask("GET", f"{BASE}/{talk.id}")

    async def close(self, talk: Conversation) -> None:
        await self.ask("PATCH", f"{BASE}/{talk.id}", {"status": "closed"})

    def is_closed(self, shown: Any) -> bool:
        return bool(shown["status"] == "closed")

    def latest(self, shown: Any) -> str | None:
        return shown["last_message"] and str(shown["last_message"]["content"])
