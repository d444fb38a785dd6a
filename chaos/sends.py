"""Sends: one message in one dialect, under a key of its own that its text carries, too."""

import random
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from chaos.http_client import Reply, Request
from chaos.seed import SeededConversation, SeededTenant

Keys = Literal["any", "own", "none"]


class Send(Struct, frozen=True):
    """A message to be sent, always by the same request. `key` is the first word of its text."""

    key: str
    dialect: str
    talk: SeededConversation
    request: Request

    def shown_id(self, reply: Reply) -> str:
        """The id that the dialect's answer gives the message."""
        body = reply.json()
        match self.dialect:
            case "delivery":
                return str(body["data"]["id"])
            case "helpdesk":
                return str(body["data"]["_id"])
            case _:
                return str(body["id"])


class Sends:
    """Makes sends into a town's talks, in all dialects. `name` begins every key.

    `keys` says how the server learns that a second try is one: by the header that every dialect
    knows or the dialect's own field, as the dice say ("any"), by the own field alone, in the
    dialects that have one ("own"), or not at all ("none": a planted bug).
    """

    def __init__(
        self, town: SeededTenant, dice: random.Random, *, name: str = "send", keys: Keys = "any"
    ) -> None:
        self._town = town
        self._dice = dice
        self._name = name
        self._keys = keys
        self._made = 0

    def new(self, dialect: str | None = None, talk: SeededConversation | None = None) -> Send:
        """The next send, in a dialect and a talk that the dice choose unless they are given."""
        self._made += 1
        key = f"{self._name}-{self._made:07d}"
        dialect = dialect or self._dice.choice(list(OWN_FIELD if self._keys == "own" else DIALECTS))
        talk = talk or self._dice.choice(self._town.talks)
        request = DIALECTS[dialect](self._town, talk, f"{key} says hello")
        return Send(key, dialect, talk, self._with_key(request, dialect, key))

    def _with_key(self, request: Request, dialect: str, key: str) -> Request:
        if self._keys == "none":
            return request
        assert isinstance(request.body, dict)
        if dialect in OWN_FIELD and (self._keys == "own" or self._dice.random() < 0.5):
            body = request.body | {OWN_FIELD[dialect]: key}
            return Request(request.method, request.path, request.headers, body)
        headers = {**request.headers, "Idempotency-Key": key}
        return Request(request.method, request.path, headers, request.body)


OWN_FIELD = {"chats": "externalId", "native": "client_message_id"}


def _delivery(town: SeededTenant, talk: SeededConversation, text: str) -> Request:
    path = f"/messaging/conversations/{talk.id}/messages"
    return Request("POST", path, town.bearer("dan"), {"content": text})


def _helpdesk(town: SeededTenant, talk: SeededConversation, text: str) -> Request:
    path = f"/api/v1/conversations/{talk.id}/messages"
    return Request("POST", path, {"X-API-Key": town.key}, {"text": text})


def _chats(town: SeededTenant, talk: SeededConversation, text: str) -> Request:
    body = {"chatId": talk.id, "content": text, "role": "user", "chatThreadId": None}
    return Request("POST", "/api/v1/chat-messages", {"Authorization": town.key}, body)


def _inbox(town: SeededTenant, talk: SeededConversation, text: str) -> Request:
    return Request("POST", f"{town.contact_path}/{talk.number}/messages", {}, {"content": text})


def _native(town: SeededTenant, talk: SeededConversation, text: str) -> Request:
    path = f"/v1/conversations/{talk.id}/messages"
    return Request("POST", path, town.bearer("alice"), {"content": text})


DIALECTS: dict[str, Callable[[SeededTenant, SeededConversation, str], Request]] = {
    "delivery": _delivery,
    "helpdesk": _helpdesk,
    "chats": _chats,
    "inbox": _inbox,
    "native": _native,
}
