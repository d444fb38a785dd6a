"""One tenant of the unread rig: random requests by every dialect, and the model of the result."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from chaos.seeded_tenant import SeededTenant
from chaos.unread_model import STAFF, Conversation, ModelMessage, ModelParticipant
from tests.drivers.asgi import Caller

DELIVERY, HELPDESK = "/messaging/conversations", "/api/v1/conversations"
CHATS, CHAT_MESSAGES, NATIVE = "/api/v1/chats", "/api/v1/chat-messages", "/v1/conversations"
JSON = dict[str, Any]
MAX_MESSAGES = 60
"""A longer conversation is deleted: one page must contain all messages, and the rig stay fast."""
CONVERSATIONS = 5


class ModelMismatch(Exception):
    """A response of the server differs from the model."""


class SteadyClock:
    """A clock that advances 2 ms at each call: the order does not depend on the machine."""

    def __init__(self) -> None:
        self.us = 1_790_000_000_000_000

    def now(self) -> int:
        self.us += 2_000
        return self.us


class ModelledTenant:
    """A tenant of the server, the requests of its users, and the model of the result."""

    def __init__(self, call: Caller, seeded: SeededTenant, clock: SteadyClock, rng: Random) -> None:
        self.seeded, self.clock, self.rng = seeded, clock, rng
        self.conversations: list[Conversation] = []
        self.contact = seeded.ids["carol"]
        self.other_contacts: list[str] = []
        self.history: list[str] = []
        self.activity = 0
        self.inbox = f"/public/api/v1/inboxes/{seeded.inbox_identifier}/contacts/{seeded.source_id}"
        self.names = {seeded.ids[user]: user for user in ("ada", "alice", "dan")}
        people = {
            user: {"authorization": f"Bearer {token}"} for user, token in seeded.tokens.items()
        }
        self.callers = {user: call.with_headers(header) for user, header in people.items()}
        self.callers["helpdesk"] = call.with_headers({"x-api-key": seeded.key})
        self.callers["chats"] = call.with_headers({"authorization": seeded.key})
        self.callers["contact"] = call.with_headers({})
        self._steps: list[Callable[[Conversation], Awaitable[None]]] = [
            *[self._send] * 30, *[self._send_note] * 8, *[self._read] * 16, *[self._read_to] * 8,
            *[self._contact_reads] * 8, *[self._join_or_leave] * 10, *[self._close] * 4,
            *[self._reopen] * 5, *[self._remove] * 2, *[self._merge] * 3,
        ]  # fmt: skip

    async def step(self) -> None:
        """Make one random change on the server and in the model. Raises ModelMismatch."""
        while len(self.conversations) < CONVERSATIONS:
            await self._create()
        conversation = self.rng.choice(self.conversations)
        step = (
            self._remove
            if len(conversation.messages) >= MAX_MESSAGES
            else self.rng.choice(self._steps)
        )
        await step(conversation)

    async def request(
        self, user: str, method: str, url: str, body: object = None, ok: bool = True
    ) -> Any:
        """Send one request; whether it is done or refused must be as the model says (`ok`)."""
        self.history = [*self.history[-19:], f"{user} {method} {url} {body or ''}"]
        response = await self.callers[user](method, url, body)
        if ok != (200 <= response.status < 300) or response.status >= 500:
            raise ModelMismatch(
                f"{user} {method} {url}: {response.status} {response.text[:200]}, expected {ok=}"
            )
        return response.json() if ok and response.content else None

    def expect(self, what: str, found: object, expected: object) -> None:
        """Raise ModelMismatch unless the server's value equals that of the model."""
        if found != expected:
            raise ModelMismatch(f"{what}: the server says {found!r}, the model {expected!r}")

    async def _create(self) -> None:
        """Create a conversation: by the contact, or by an agent without an owner."""
        self.activity += 1
        if self.rng.random() < 0.7:
            created = await self.request("contact", "POST", f"{self.inbox}/conversations", {})
            owner, source, participants = (
                self.contact,
                self.seeded.source_id,
                {self.contact: ModelParticipant()},
            )
            conversation = Conversation(
                created["uuid"], created["id"], owner, source, self.activity, participants
            )
        else:
            body = {"title": "Free", "inbox_id": self.seeded.inbox_id}
            created = await self.request("alice", "POST", NATIVE, body)
            conversation = Conversation(
                created["id"], created["number"], None, None, self.activity, {}
            )
        self.conversations.append(conversation)
        for user in self.rng.sample(("dan", "alice", "ada"), 2):
            await self._join(conversation, self.seeded.ids[user])

    async def _send(self, conversation: Conversation) -> None:
        senders = [self._send_delivery, self._send_helpdesk, self._send_chats, self._send_native]
        await self.rng.choice([*senders, self._send_inbox] if conversation.source else senders)(
            conversation
        )

    async def _send_delivery(self, conversation: Conversation) -> None:
        user = self.rng.choice(("dan", "dan", "alice"))
        ok = conversation.takes_part(self.seeded.ids[user]) and not conversation.closed
        text = self._text()
        created = await self.request(
            user, "POST", f"{DELIVERY}/{conversation.id}/messages", {"content": text}, ok
        )
        if ok:
            self._record(conversation, created["data"]["id"], text, self.seeded.ids[user])

    async def _send_helpdesk(self, conversation: Conversation) -> None:
        text = self._text()
        created = await self.request(
            "helpdesk", "POST", f"{HELPDESK}/{conversation.id}/messages", {"text": text}
        )
        self._record(conversation, created["data"]["_id"], text, self.seeded.ids["alice"])

    async def _send_chats(self, conversation: Conversation) -> None:
        """Send as a responder, which is no participant, or as the owner, which reopens it."""
        role = self.rng.choice(("assistant", "user")) if conversation.owner else "assistant"
        text = self._text()
        body = {"chatId": conversation.id, "content": text, "role": role}
        created = await self.request("chats", "POST", CHAT_MESSAGES, {**body, "externalId": None})
        conversation.closed = conversation.closed and role == "assistant"
        self._record(conversation, created["id"], text, created["senderId"])
        if role == "user":
            self.expect("sender", created["senderId"], conversation.owner)

    async def _send_inbox(self, conversation: Conversation) -> None:
        text = self._text()
        url = f"{self.inbox}/conversations/{conversation.number}/messages"
        await self.request("contact", "POST", url, {"content": text})
        body = await self.request("ada", "GET", f"{NATIVE}/{conversation.id}/messages?limit=1")
        conversation.closed = False
        self._record(conversation, body["data"][0]["id"], text, self.contact)

    async def _send_native(self, conversation: Conversation, private: bool = False) -> None:
        user = self.rng.choice(STAFF if private else ("dan", "alice", "ada"))
        ok = not conversation.closed and (
            user in STAFF or conversation.takes_part(self.seeded.ids[user])
        )
        text = self._text()
        body = {"content": text, "private": private}
        created = await self.request(user, "POST", f"{NATIVE}/{conversation.id}/messages", body, ok)
        if ok:
            self.expect("seq", created["seq"], len(conversation.messages) + 1)
            self._record(conversation, created["id"], text, self.seeded.ids[user], private)

    async def _send_note(self, conversation: Conversation) -> None:
        if self.rng.random() < 0.5:
            await self._send_native(conversation, private=True)
            return
        text = self._text()
        body = {"text": text, "isPrivate": True}
        created = await self.request(
            "helpdesk", "POST", f"{HELPDESK}/{conversation.id}/messages", body
        )
        self._record(conversation, created["data"]["_id"], text, self.seeded.ids["alice"], True)

    async def _read(self, conversation: Conversation) -> None:
        """Get a page of messages in the delivery dialect, which moves the read mark."""
        user = self.rng.choice(("dan", "dan", "alice", "ada"))
        me, ok = self.seeded.ids[user], conversation.takes_part(self.seeded.ids[user])
        before_us = self.clock.us
        body = await self.request(
            user, "GET", f"{DELIVERY}/{conversation.id}/messages?limit=100", None, ok
        )
        if not ok:
            return
        public_messages = conversation.public_messages()
        self.expect(
            "page",
            [m["content"] for m in body["messages"]],
            [m.text for m in public_messages[::-1]],
        )
        newest = conversation.messages.index(public_messages[-1]) + 1 if public_messages else 0
        if newest > conversation.participants[me].read:
            conversation.read(me, newest, (before_us, self.clock.us))

    async def _read_to(self, conversation: Conversation) -> None:
        """Move the read mark to a message or the end, by a dialect that has a request for it."""
        user = self.rng.choice(("dan", "alice", "ada"))
        me, seq = self.seeded.ids[user], self.rng.randint(0, len(conversation.messages))
        message = conversation.messages[seq - 1] if seq else None
        ok = conversation.takes_part(me) and not (message and message.private and user not in STAFF)
        before_us = self.clock.us
        if self.rng.random() < 0.5:
            query = f"?message_id={message.id}" if message else ""
            await self.request(
                user, "PUT", f"{DELIVERY}/{conversation.id}/read-status{query}", None, ok
            )
            if ok:
                conversation.read(me, seq, (before_us, self.clock.us))
            return
        body = {"message_id": message.id if message else None}
        response = await self.request(user, "POST", f"{NATIVE}/{conversation.id}/read", body, ok)
        if ok:
            moved = conversation.read(me, seq, (before_us, self.clock.us))
            self.expect("moved", response["moved"], moved)

    async def _contact_reads(self, conversation: Conversation) -> None:
        if conversation.source is None:
            return
        before_us = self.clock.us
        url = f"{self.inbox}/conversations/{conversation.number}/update_last_seen"
        await self.request("contact", "POST", url)
        conversation.seen_contact = (before_us, self.clock.us)
        conversation.move_read_mark(self.contact, 0)

    async def _join_or_leave(self, conversation: Conversation) -> None:
        users = [self.seeded.ids[user] for user in ("dan", "alice", "ada")]
        identity_id = self.rng.choice([*users, *self.other_contacts])
        if conversation.closed:
            body = {"action": "add", "user_ids": [identity_id]}
            await self.request(
                "ada", "PUT", f"{DELIVERY}/{conversation.id}/participants", body, False
            )
        elif conversation.takes_part(identity_id):
            await self._leave(conversation, identity_id)
        else:
            await self._join(conversation, identity_id)

    async def _join(self, conversation: Conversation, identity_id: str) -> None:
        if self.rng.random() < 0.5:
            body = {"action": "add", "user_ids": [identity_id]}
            await self.request("ada", "PUT", f"{DELIVERY}/{conversation.id}/participants", body)
        else:
            url = f"{NATIVE}/{conversation.id}/participants"
            await self.request("alice", "POST", url, {"identity_id": identity_id})
        conversation.join(identity_id)

    async def _leave(self, conversation: Conversation, identity_id: str) -> None:
        if self.rng.random() < 0.5:
            body = {"action": "remove", "user_ids": [identity_id]}
            await self.request("ada", "PUT", f"{DELIVERY}/{conversation.id}/participants", body)
        else:
            await self.request(
                "alice", "DELETE", f"{NATIVE}/{conversation.id}/participants/{identity_id}"
            )
        conversation.leave(identity_id)

    async def _close(self, conversation: Conversation) -> None:
        if conversation.source and self.rng.random() < 0.5:
            url = f"{self.inbox}/conversations/{conversation.number}/toggle_status"
            await self.request("contact", "POST", url)
        else:
            await self.request(
                "helpdesk", "PUT", f"{HELPDESK}/{conversation.id}", {"status": "closed"}
            )
        conversation.closed = True

    async def _reopen(self, conversation: Conversation) -> None:
        await self.request("alice", "PATCH", f"{NATIVE}/{conversation.id}", {"status": "open"})
        conversation.closed = False

    async def _remove(self, conversation: Conversation) -> None:
        if self.rng.random() < 0.5:
            await self.request("chats", "DELETE", f"{CHATS}/{conversation.id}")
        else:
            await self.request("alice", "DELETE", f"{NATIVE}/{conversation.id}")
        self.conversations.remove(conversation)

    async def _merge(self, conversation: Conversation) -> None:
        """Create two other contacts first; later merge the contact into the older of them."""
        if len(self.other_contacts) < 2:
            created = await self.request("alice", "POST", "/v1/contacts", {"name": "G"})
            self.other_contacts.append(created["id"])
            return
        other = self.other_contacts.pop(0)
        await self.request(
            "alice", "POST", f"/v1/contacts/{other}/merge", {"contact_id": self.contact}
        )
        for each in self.conversations:
            each.merge(self.contact, other)
        self.contact = other

    def _text(self) -> str:
        return f"{self.rng.getrandbits(40):x}"

    def _record(
        self,
        conversation: Conversation,
        message_id: str,
        text: str,
        sender: str,
        private: bool = False,
    ) -> None:
        self.activity += 1
        conversation.add(ModelMessage(message_id, text, private, sender), self.activity)
