"""The requests of the full-disk rig, and what a clear refusal is in each dialect."""

from collections.abc import Callable
from typing import Any

from chaos.http_client import Request, Response
from chaos.seeded_tenant import SeededConversation, SeededTenant

UPLOAD = 3 << 20
"""Bytes of an uploaded file: more than is free on a full disk."""
FORMATS: dict[str, Callable[[Any], bool]] = {
    "delivery": lambda body: body["success"] is False and bool(body["message"]),
    "helpdesk": lambda body: (
        body["success"] is False and body["error"]["code"] == "SERVICE_UNAVAILABLE"
    ),
    "chats": lambda body: body["name"] == "UnavailableError",
    "inbox": lambda body: bool(body["error"]),
    "native": lambda body: body["status"] == 503 and body["type"] == "/problems/unavailable",
}


def is_clear_refusal(dialect: str, response: Response) -> bool:
    """Whether a refusal is 503 or 507 in the error format of its dialect, with a Retry-After."""
    if response.status not in (503, 507) or int(response.headers.get("retry-after", "0")) < 1:
        return False
    try:
        return FORMATS[dialect](response.json())
    except (KeyError, TypeError, ValueError):
        return False


def reads(tenant: SeededTenant, conversation: SeededConversation) -> list[Request]:
    """GET a list and a conversation's messages in every dialect, and /livez."""
    dan, alice = tenant.bearer("dan"), tenant.bearer("alice")
    helpdesk, chats = {"X-API-Key": tenant.key}, {"Authorization": tenant.key}
    wanted: list[tuple[str, dict[str, str]]] = [
        ("/messaging/conversations", dan),
        (f"/messaging/conversations/{conversation.id}/messages", dan),
        ("/api/v1/conversations", helpdesk),
        (f"/api/v1/conversations/{conversation.id}/messages", helpdesk),
        ("/api/v1/chats/details", chats),
        (f"/api/v1/chat-messages?chatId={conversation.id}", chats),
        (f"{tenant.contact_path}/{conversation.number}/messages", {}),
        ("/v1/conversations", alice),
        (f"/v1/conversations/{conversation.id}/messages", alice),
        ("/livez", {}),
    ]
    return [Request("GET", path, headers) for path, headers in wanted]


class Upload(Request, frozen=True):
    """A message with a file, in the multipart format of the inbox dialect."""

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


def upload(tenant: SeededTenant, conversation: SeededConversation) -> Upload:
    """Upload a file as the contact Carol."""
    return Upload("POST", f"{tenant.contact_path}/{conversation.number}/messages")
