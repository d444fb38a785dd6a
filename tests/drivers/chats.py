"""The chats dialect with the key of a workspace, which sends as the responder."""

from typing import Any

from koine.model.conversation import Conversation
from tests.drivers.base import Driver

BASE = "/api/v1/chats"
MESSAGES = "/api/v1/chat-messages"


class ChatsDriver(Driver):
    """A program of the workspace."""

    name = "chats"

    def headers(self) -> dict[str, str]:
        return {"authorization": self.cast_app.cast.acme.key}

    async def open(self) -> str:
        acme = self.cast_app.cast.acme
        body = {"channelId": acme.inbox.id, "ownerId": acme.id("carol"), "title": "Chat"}
        return str((await self.request("POST", BASE, body))["id"])

    async def post(self, conversation: Conversation, text: str) -> None:
        body = {
            "chatId": conversation.id,
            "content": text,
            "role": "assistant",
            "chatThreadId": None,
        }
        await self.request("POST", MESSAGES, body | {"externalId": None})

    async def page(self, conversation: Conversation, number: int, size: int) -> list[str]:
        """By the cursor of the `Link` header: this list has no page numbers."""
        url = f"{MESSAGES}?chatId={conversation.id}&limit={size}"
        for _ in range(number - 1):
            link = (await self.call("GET", url)).headers.get("link")
            if link is None:
                return []
            url = link[link.index("/api/") : link.index(">")]
        return [m["content"] for m in await self.request("GET", url)]

    async def read(self, conversation: Conversation) -> list[str]:
        return await self.page(conversation, 1, 1000)

    async def list_ids(self, number: int = 1, size: int = 100) -> list[str]:
        url = f"{BASE}?pageNumber={number}&pageSize={size}"
        return [c["id"] for c in await self.request("GET", url)]

    async def get(self, conversation: Conversation) -> Any:
        return await self.request("GET", f"{BASE}/{conversation.id}/details")

    def last_text(self, conversation: Any) -> str | None:
        return str(conversation["lastMessageContent"])
