"""OnDi Messaging, spoken by Dan, who drives."""

from typing import Any

from koine.model.conversation import Conversation
from tests.drivers.base import Driver

BASE = "/messaging/conversations"


class DeliveryDriver(Driver):
    """Dan's phone; what only staff may do is done by Ada."""

    name = "delivery"
    speaker = "dan"

    def headers(self) -> dict[str, str]:
        return self.world.cast.bearer("dan")

    async def open(self) -> str:
        parcel = self.world.cast.acme.deliveries[0].id
        said = await self.ask("POST", BASE, {"delivery_id": parcel})
        return str(said["conversation"]["id"])

    async def post(self, talk: Conversation, text: str) -> None:
        await self.ask("POST", f"{BASE}/{talk.id}/messages", {"content": text})

    async def page(self, talk: Conversation, number: int, size: int) -> list[str]:
        url = f"{BASE}/{talk.id}/messages?page={number}&limit={size}"
        return [m["content"] for m in (await self.ask("GET", url))["messages"]]

    async def read(self, talk: Conversation) -> list[str]:
        return (await self.page(talk, 1, 100))[::-1]

    async def listed(self, number: int = 1, size: int = 100) -> list[str]:
        url = f"{BASE}?page={number}&limit={size}"
        return [c["id"] for c in (await self.ask("GET", url))["conversations"]]

    async def get(self, talk: Conversation) -> Any:
        return (await self.ask("GET", f"{BASE}/{talk.id}"))["conversation"]

    def is_closed(self, shown: Any) -> bool:
        return bool(shown["status"] == "closed")

    def latest(self, shown: Any) -> str | None:
        said: str | None = shown["latest_message"] and shown["latest_message"]["content"]
        return said
