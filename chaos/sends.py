"""Requests that send one message each; its unique key is also the first word of its text."""

import random
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from chaos.http_client import Request, Response
from chaos.seeded_tenant import SeededConversation, SeededTenant

Keys = Literal["any", "own", "none"]


class Send(Struct, frozen=True):
    """A message to send, each time by the same request. `key` is the first word of its text."""

    key: str
    dialect: str
    conversation: SeededConversation
    request: Request

    def shown_id(self, response: Response) -> str:
        """The message's id in the response of the dialect."""
        body = response.json()
        match self.dialect:
            case "delivery":
                return str(body["data"]["id"])
            case "helpdesk":
                return str(body["data"]["_id"])
            case _:
                return str(body["id"])


class Sends:
    """Builds sends to the conversations of a tenant, in all dialects. `name` begins every key.

    `keys` says how the server recognises a retry: by the header `Idempotency-Key`, or at random the
    dialect's own field where it has one ("any"); only by the own field, and only in the dialects
    that have one ("own"); or not at all ("none", a planted fault).
    """

    def __init__(
        self, tenant: SeededTenant, rng: random.Random, *, name: str = "send", keys: Keys = "any"
    ) -> None:
        self._tenant = tenant
        self._rng = rng
        self._name = name
        self._keys = keys
        self._made = 0

    def new(
        self, dialect: str | None = None, conversation: SeededConversation | None = None
    ) -> Send:
        """The next send, in a random dialect and conversation unless they are given."""
        self._made += 1
        key = f"{self._name}-{self._made:07d}"
        dialect = dialect or self._rng.choice(list(OWN_FIELD if self._keys == "own" else DIALECTS))
        conversation = conversation or self._rng.choice(self._tenant.conversations)
        request = DIALECTS[dialect](self._tenant, conversation, f"{key} says hello")
        return Send(key, dialect, conversation, self._with_key(request, dialect, key))

    def _with_key(self, request: Request, dialect: str, key: str) -> Request:
        if self._keys == "none":
            return request
        assert isinstance(request.body, dict)
        if dialect in OWN_FIELD and (self._keys == "own" or self._rng.random() < 0.5):
            body = request.body | {OWN_FIELD[dialect]: key}
            return Request(request.method, request.path, request.headers, body)
        headers = {**request.headers, "Idempotency-Key": key}
        return Request(request.method, request.path, headers, request.body)


OWN_FIELD = {"chats": "externalId", "native": "client_message_id"}


def _delivery(tenant: SeededTenant, conversation: SeededConversation, text: str) -> Request:
    path = f"/messaging/conversations/{conversation.id}/messages"
    return Request("POST", path, tenant.bearer("dan"), {"content": text})


def _helpdesk(tenant: SeededTenant, conversation: SeededConversation, text: str) -> Request:
    path = f"/api/v1/conversations/{conversation.id}/messages"
    return Request("POST", path, {"X-API-Key": tenant.key}, {"text": text})


def _chats(tenant: SeededTenant, conversation: SeededConversation, text: str) -> Request:
    body = {"chatId": conversation.id, "content": text, "role": "user", "chatThreadId": None}
    return Request("POST", "/api/v1/chat-messages", {"Authorization": tenant.key}, body)


def _inbox(tenant: SeededTenant, conversation: SeededConversation, text: str) -> Request:
    return Request(
        "POST", f"{tenant.contact_path}/{conversation.number}/messages", {}, {"content": text}
    )


def _native(tenant: SeededTenant, conversation: SeededConversation, text: str) -> Request:
    path = f"/v1/conversations/{conversation.id}/messages"
    return Request("POST", path, tenant.bearer("alice"), {"content": text})


DIALECTS: dict[str, Callable[[SeededTenant, SeededConversation, str], Request]] = {
    "delivery": _delivery,
    "helpdesk": _helpdesk,
    "chats": _chats,
    "inbox": _inbox,
    "native": _native,
}
