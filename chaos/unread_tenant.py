"""One tenant of the unread rig: random steps through every dialect, each told to the model."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from chaos.seed import SeededTenant
from chaos.unread_model import STAFF, Conversation, ModelMessage, ModelParticipant
from tests.drivers.asgi import Caller

DELIVERY, HELPDESK = "/messaging/conversations", "/api/v1/conversations"
CHATS, SAID, NATIVE = "/api/v1/chats", "/api/v1/chat-messages", "/v1/conversations"
JSON = dict[str, Any]
MAX_MESSAGES = 60
"""A longer conversation is removed and another opened: pages stay whole, and the rig fast."""
CONVERSATIONS = 5


class ModelMismatch(Exception):
    """The server and the model do not say the same."""


class SteadyClock:
    """Time that moves 2 ms with each look, so that order does not hang on the machine."""

    def __init__(self) -> None:
        self.us = 1_790_000_000_000_000

    def now(self) -> int:
        self.us += 2_000
        return self.us


class ModelledTenant:
    """The people of one seeded, what they do, and the model of it."""

    def __init__(
        self, call: Caller, seeded: SeededTenant, clock: SteadyClock, chance: Random
    ) -> None:
        self.seeded, self.clock, self.chance = seeded, clock, chance
        self.conversations: list[Conversation] = []
        self.contact = seeded.ids["carol"]
        self.guests: list[str] = []
        self.history: list[str] = []
        self.moves = 0
        self.inbox = f"/public/api/v1/inboxes/{seeded.inbox_identifier}/contacts/{seeded.source_id}"
        self.names = {seeded.ids[who]: who for who in ("ada", "alice", "dan")}
        people = {who: {"authorization": f"Bearer {token}"} for who, token in seeded.tokens.items()}
        self.as_ = {who: call.with_headers(header) for who, header in people.items()}
        self.as_["helpdesk"] = call.with_headers({"x-api-key": seeded.key})
        self.as_["chats"] = call.with_headers({"authorization": seeded.key})
        self.as_["contact"] = call.with_headers({})
        self._steps: list[Callable[[Conversation], Awaitable[None]]] = [
            *[self._say] * 30, *[self._note] * 8, *[self._read] * 16, *[self._read_to] * 8,
            *[self._contact_reads] * 8, *[self._come_or_go] * 10, *[self._close] * 4,
            *[self._open_again] * 5, *[self._remove] * 2, *[self._merge] * 3,
        ]  # fmt: skip

    async def step(self) -> None:
        """Do one thing, and tell the model. Raises Drift."""
        while len(self.conversations) < CONVERSATIONS:
            await self._open()
        conversation = self.chance.choice(self.conversations)
        doing = (
            self._remove
            if len(conversation.said) >= MAX_MESSAGES
            else self.chance.choice(self._steps)
        )
        await doing(conversation)

    async def ask(
        self, who: str, method: str, url: str, body: object = None, ok: bool = True
    ) -> Any:
        """One call, which must be answered as the model says: done, or refused."""
        self.history = [*self.history[-19:], f"{who} {method} {url} {body or ''}"]
        reply = await self.as_[who](method, url, body)
        if ok != (200 <= reply.status < 300) or reply.status >= 500:
            raise ModelMismatch(
                f"{who} {method} {url}: {reply.status} {reply.text[:200]}, expected {ok=}"
            )
        return reply.json() if ok and reply.content else None

    def expect(self, what: str, found: object, expected: object) -> None:
        """Raise Drift unless the server says what the model says."""
        if found != expected:
            raise ModelMismatch(f"{what}: the server says {found!r}, the model {expected!r}")

    async def _open(self) -> None:
        """By the contact, or by the desk for nobody."""
        self.moves += 1
        if self.chance.random() < 0.7:
            made = await self.ask("contact", "POST", f"{self.inbox}/conversations", {})
            owner, source, parts = (
                self.contact,
                self.seeded.source_id,
                {self.contact: ModelParticipant()},
            )
            conversation = Conversation(made["uuid"], made["id"], owner, source, self.moves, parts)
        else:
            body = {"title": "Free", "inbox_id": self.seeded.inbox_id}
            made = await self.ask("alice", "POST", NATIVE, body)
            conversation = Conversation(made["id"], made["number"], None, None, self.moves, {})
        self.conversations.append(conversation)
        for who in self.chance.sample(("dan", "alice", "ada"), 2):
            await self._join(conversation, self.seeded.ids[who])

    async def _say(self, conversation: Conversation) -> None:
        doors = [self._say_delivery, self._say_helpdesk, self._say_chats, self._say_native]
        await self.chance.choice([*doors, self._say_inbox] if conversation.source else doors)(
            conversation
        )

    async def _say_delivery(self, conversation: Conversation) -> None:
        who = self.chance.choice(("dan", "dan", "alice"))
        ok = conversation.takes_part(self.seeded.ids[who]) and not conversation.closed
        text = self._text()
        made = await self.ask(
            who, "POST", f"{DELIVERY}/{conversation.id}/messages", {"content": text}, ok
        )
        if ok:
            self._said(conversation, made["data"]["id"], text, self.seeded.ids[who])

    async def _say_helpdesk(self, conversation: Conversation) -> None:
        text = self._text()
        made = await self.ask(
            "helpdesk", "POST", f"{HELPDESK}/{conversation.id}/messages", {"text": text}
        )
        self._said(conversation, made["data"]["_id"], text, self.seeded.ids["alice"])

    async def _say_chats(self, conversation: Conversation) -> None:
        """As the responder, who takes no part, or as the owner, who opens what is closed."""
        role = self.chance.choice(("assistant", "user")) if conversation.owner else "assistant"
        text = self._text()
        body = {"chatId": conversation.id, "content": text, "role": role}
        made = await self.ask("chats", "POST", SAID, {**body, "externalId": None})
        conversation.closed = conversation.closed and role == "assistant"
        self._said(conversation, made["id"], text, made["senderId"])
        if role == "user":
            self.expect("whose word", made["senderId"], conversation.owner)

    async def _say_inbox(self, conversation: Conversation) -> None:
        text = self._text()
        url = f"{self.inbox}/conversations/{conversation.number}/messages"
        await self.ask("contact", "POST", url, {"content": text})
        shown = await self.ask("ada", "GET", f"{NATIVE}/{conversation.id}/messages?limit=1")
        conversation.closed = False
        self._said(conversation, shown["data"][0]["id"], text, self.contact)

    async def _say_native(self, conversation: Conversation, private: bool = False) -> None:
        who = self.chance.choice(STAFF if private else ("dan", "alice", "ada"))
        ok = not conversation.closed and (
            who in STAFF or conversation.takes_part(self.seeded.ids[who])
        )
        text = self._text()
        body = {"content": text, "private": private}
        made = await self.ask(who, "POST", f"{NATIVE}/{conversation.id}/messages", body, ok)
        if ok:
            self.expect("seq", made["seq"], len(conversation.said) + 1)
            self._said(conversation, made["id"], text, self.seeded.ids[who], private)

    async def _note(self, conversation: Conversation) -> None:
        if self.chance.random() < 0.5:
            await self._say_native(conversation, private=True)
            return
        text = self._text()
        body = {"text": text, "isPrivate": True}
        made = await self.ask("helpdesk", "POST", f"{HELPDESK}/{conversation.id}/messages", body)
        self._said(conversation, made["data"]["_id"], text, self.seeded.ids["alice"], True)

    async def _read(self, conversation: Conversation) -> None:
        """A page of the delivery dialect: what is shown is read."""
        who = self.chance.choice(("dan", "dan", "alice", "ada"))
        me, ok = self.seeded.ids[who], conversation.takes_part(self.seeded.ids[who])
        began = self.clock.us
        shown = await self.ask(
            who, "GET", f"{DELIVERY}/{conversation.id}/messages?limit=100", None, ok
        )
        if not ok:
            return
        aloud = conversation.aloud()
        self.expect(
            "page", [m["content"] for m in shown["messages"]], [w.text for w in aloud[::-1]]
        )
        newest = conversation.said.index(aloud[-1]) + 1 if aloud else 0
        if newest > conversation.parts[me].read:
            conversation.read(me, newest, (began, self.clock.us))

    async def _read_to(self, conversation: Conversation) -> None:
        """To a word, or to the end, by the dialects that have a call for it."""
        who = self.chance.choice(("dan", "alice", "ada"))
        me, upto = self.seeded.ids[who], self.chance.randint(0, len(conversation.said))
        word = conversation.said[upto - 1] if upto else None
        ok = conversation.takes_part(me) and not (word and word.private and who not in STAFF)
        began = self.clock.us
        if self.chance.random() < 0.5:
            named = f"?message_id={word.id}" if word else ""
            await self.ask(who, "PUT", f"{DELIVERY}/{conversation.id}/read-status{named}", None, ok)
            moved = conversation.read(me, upto, (began, self.clock.us)) if ok else False
            return
        body = {"message_id": word.id if word else None}
        told = await self.ask(who, "POST", f"{NATIVE}/{conversation.id}/read", body, ok)
        if ok:
            moved = conversation.read(me, upto, (began, self.clock.us))
            self.expect("moved", told["moved"], moved)

    async def _contact_reads(self, conversation: Conversation) -> None:
        if conversation.source is None:
            return
        began = self.clock.us
        url = f"{self.inbox}/conversations/{conversation.number}/update_last_seen"
        await self.ask("contact", "POST", url)
        conversation.seen_contact = (began, self.clock.us)
        conversation.mark(self.contact, 0)

    async def _come_or_go(self, conversation: Conversation) -> None:
        someone = [self.seeded.ids[who] for who in ("dan", "alice", "ada")]
        who = self.chance.choice([*someone, *self.guests])
        if conversation.closed:
            body = {"action": "add", "user_ids": [who]}
            await self.ask("ada", "PUT", f"{DELIVERY}/{conversation.id}/participants", body, False)
        elif conversation.takes_part(who):
            await self._leave(conversation, who)
        else:
            await self._join(conversation, who)

    async def _join(self, conversation: Conversation, who: str) -> None:
        if self.chance.random() < 0.5:
            body = {"action": "add", "user_ids": [who]}
            await self.ask("ada", "PUT", f"{DELIVERY}/{conversation.id}/participants", body)
        else:
            url = f"{NATIVE}/{conversation.id}/participants"
            await self.ask("alice", "POST", url, {"identity_id": who})
        conversation.join(who)

    async def _leave(self, conversation: Conversation, who: str) -> None:
        if self.chance.random() < 0.5:
            body = {"action": "remove", "user_ids": [who]}
            await self.ask("ada", "PUT", f"{DELIVERY}/{conversation.id}/participants", body)
        else:
            await self.ask("alice", "DELETE", f"{NATIVE}/{conversation.id}/participants/{who}")
        conversation.leave(who)

    async def _close(self, conversation: Conversation) -> None:
        if conversation.source and self.chance.random() < 0.5:
            url = f"{self.inbox}/conversations/{conversation.number}/toggle_status"
            await self.ask("contact", "POST", url)
        else:
            await self.ask("helpdesk", "PUT", f"{HELPDESK}/{conversation.id}", {"status": "closed"})
        conversation.closed = True

    async def _open_again(self, conversation: Conversation) -> None:
        await self.ask("alice", "PATCH", f"{NATIVE}/{conversation.id}", {"status": "open"})
        conversation.closed = False

    async def _remove(self, conversation: Conversation) -> None:
        if self.chance.random() < 0.5:
            await self.ask("chats", "DELETE", f"{CHATS}/{conversation.id}")
        else:
            await self.ask("alice", "DELETE", f"{NATIVE}/{conversation.id}")
        self.conversations.remove(conversation)

    async def _merge(self, conversation: Conversation) -> None:
        """A guest comes; the third time the contact turns out to be the guest who came first."""
        if len(self.guests) < 2:
            made = await self.ask("alice", "POST", "/v1/contacts", {"name": "G"})
            self.guests.append(made["id"])
            return
        guest = self.guests.pop(0)
        await self.ask("alice", "POST", f"/v1/contacts/{guest}/merge", {"contact_id": self.contact})
        for each in self.conversations:
            each.merge(self.contact, guest)
        self.contact = guest

    def _text(self) -> str:
        return f"{self.chance.getrandbits(40):x}"

    def _said(
        self,
        conversation: Conversation,
        message_id: str,
        text: str,
        sender: str,
        private: bool = False,
    ) -> None:
        self.moves += 1
        conversation.say(ModelMessage(message_id, text, private, sender), self.moves)
