"""G-Tateth CRM, spoken with the key that acts as Alice."""

from typing import Any

from koine.model.conversation import Conversation
from tests.drivers.base import Driver

BASE = "/api/v1/conversations"


class HelpdeskDriver(Driver):
    """The desk's own program."""

    name = "helpdesk"
    speaker = "alice"
    sees_notes = True

    def headers(self) -> dict[str, str]:
        return {"X-API-Key": self.world.cast.acme.key}

    async def open(self) -> str:
        body = {"subject": "Help", "inboxId": self.world.cast.acme.inbox.id}
        return str((await self.ask("POST", BASE, body))["data"]["_id"])

    async def post(self, talk: Conversation, text: str) -> None:
        await self.ask("POST", f"{BASE}/{talk.id}/messages", {"text": text})

    async def page(self, talk: Conversation, number: int, size: int) -> list[str]:
        url = f"{BASE}/{talk.id}/messages?page={number}&limit={size}"
        return [m["text"] for m in (await self.ask("GET", url))["data"]]

    async def read(self, talk: Conversation) -> list[str]:
        return (await self.page(talk, 1, 100))[::-1]

    async def listed(self, number: int = 1, size: int = 100) -> list[str]:
        url = f"{BASE}?page={number}&limit={size}"
        return [c["_id"] for c in (await self.ask("GET", url))["data"]]

    async def get(self, talk: Conversation) -> Any:
        return (await self.ask("GET", f"{BASE}/{talk.id}"))["data"]

    async def close(self, talk: Conversation) -> None:
        await self.ask("PUT", f"{BASE}/{talk.id}", {"status": "closed"})

    def is_closed(self, shown: Any) -> bool:
        return bool(shown["status"] == "closed")
