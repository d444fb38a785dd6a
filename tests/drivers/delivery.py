"""The delivery dialect as Dan, a driver."""

from typing import Any

from koine.model.conversation import Conversation
from tests.drivers.base import Driver

BASE = "/messaging/conversations"


class DeliveryDriver(Driver):
    """Dan's app."""

    name = "delivery"

    def headers(self) -> dict[str, str]:
        return self.cast_app.cast.bearer("dan")

    async def open(self) -> str:
        parcel = self.cast_app.cast.acme.deliveries[0].id
        response = await self.request("POST", BASE, {"delivery_id": parcel})
        return str(response["conversation"]["id"])

    async def post(self, conversation: Conversation, text: str) -> None:
        await self.request("POST", f"{BASE}/{conversation.id}/messages", {"content": text})

    async def page(self, conversation: Conversation, number: int, size: int) -> list[str]:
        url = f"{BASE}/{conversation.id}/messages?page={number}&limit={size}"
        return [m["content"] for m in (await self.request("GET", url))["messages"]]

    async def read(self, conversation: Conversation) -> list[str]:
        return (await self.page(conversation, 1, 100))[::-1]

    async def list_ids(self, number: int = 1, size: int = 100) -> list[str]:
        url = f"{BASE}?page={number}&limit={size}"
        return [c["id"] for c in (await self.request("GET", url))["conversations"]]

    async def get(self, conversation: Conversation) -> Any:
        return (await self.request("GET", f"{BASE}/{conversation.id}"))["conversation"]

    def is_closed(self, conversation: Any) -> bool:
        return bool(conversation["status"] == "closed")

    def last_text(self, conversation: Any) -> str | None:
        text: str | None = (
            conversation["latest_message"] and conversation["latest_message"]["content"]
        )
        return text
