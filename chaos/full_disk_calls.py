"""What the full-disk rig asks of a server, and what a clear refusal is in each dialect."""

from collections.abc import Callable
from typing import Any

from chaos.http_client import Reply, Request
from chaos.seed import SeededConversation, SeededTenant

UPLOAD = 3 << 20
"""Bytes of a file: more than is free on a full disk."""
SHAPES: dict[str, Callable[[Any], bool]] = {
    "delivery": lambda said: said["success"] is False and bool(said["message"]),
    "helpdesk": lambda said: (
        said["success"] is False and said["error"]["code"] == "SERVICE_UNAVAILABLE"
    ),
    "chats": lambda said: said["name"] == "UnavailableError",
    "inbox": lambda said: bool(said["error"]),
    "native": lambda said: said["status"] == 503 and said["type"] == "/problems/unavailable",
}


def is_clear_refusal(dialect: str, reply: Reply) -> bool:
    """Whether a refusal says that the server cannot now, in its dialect's shape, and when to come
    again."""
    if reply.status not in (503, 507) or int(reply.headers.get("retry-after", "0")) < 1:
        return False
    try:
        return SHAPES[dialect](reply.json())
    except (KeyError, TypeError, ValueError):
        return False


def reads(seeded: SeededTenant, conversation: SeededConversation) -> list[Request]:
    """A list and a conversation's messages in every dialect, and whether the server lives."""
    dan, alice = seeded.bearer("dan"), seeded.bearer("alice")
    desk, chats = {"X-API-Key": seeded.key}, {"Authorization": seeded.key}
    wanted: list[tuple[str, dict[str, str]]] = [
        ("/messaging/conversations", dan),
        (f"/messaging/conversations/{conversation.id}/messages", dan),
        ("/api/v1/conversations", desk),
        (f"/api/v1/conversations/{conversation.id}/messages", desk),
        ("/api/v1/chats/details", chats),
        (f"/api/v1/chat-messages?chatId={conversation.id}", chats),
        (f"{seeded.contact_path}/{conversation.number}/messages", {}),
        ("/v1/conversations", alice),
        (f"/v1/conversations/{conversation.id}/messages", alice),
        ("/livez", {}),
    ]
    return [Request("GET", path, headers) for path, headers in wanted]


class Upload(Request, frozen=True):
    """A message with a file, as the inbox dialect takes it."""

    def encoded(self) -> bytes:
        head = (
            b'--=\r\nContent-Disposition: form-data; name="attachments"; filename="a.bin"\r\n\r\n'
        )
        body = head + bytes(UPLOAD) + b"\r\n--=--\r\n"
        lines = (
            f"POST {self.path} HTTP/1.1",
            "Host: koine",
            f"Content-Length: {len(body)}",
            "Content-Type: multipart/form-data; boundary==",
        )
        return "\r\n".join((*lines, "", "")).encode() + body


def upload(seeded: SeededTenant, conversation: SeededConversation) -> Upload:
    """A file of Carol's."""
    return Upload("POST", f"{seeded.contact_path}/{conversation.number}/messages")
