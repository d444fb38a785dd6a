"""Random sequences of changes in a tenant, for tests of what streams send."""

import contextlib
from collections.abc import Sequence

from koine.engine import deliveries
from koine.engine.conversations import conversations, messages, participants, tickets
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.deliveries import DeliveryInput
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.model.conversation import NewConversation
from koine.model.errors import Refusal
from koine.model.message import Draft
from koine.store.core.db import Duplicate
from tests.cast import Cast

STEPS = (
    "open", "open", "say", "say", "say", "note", "join", "leave", "read", "remove", "delete",
    "rename", "deliver", "assign", "ticket", "own",
)  # fmt: skip
Step = tuple[str, int, int]
"""An action, and two numbers that choose the conversation and the person."""
PEOPLE = ("dan", "cleo", "olaf", "carol", "dave", "alice")


class CompanyModel:
    """Makes changes in Acme, and knows its conversations."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.admin = cast.acme.actor("ada")
        self.conversations: list[str] = []

    async def play(self, steps: Sequence[Step]) -> None:
        """Do every step; those that the engine refuses change nothing."""
        for what, one, other in steps:
            self.cast.clock.advance(seconds=1)
            who = self.cast.acme.id(PEOPLE[other % len(PEOPLE)])
            with contextlib.suppress(Refusal, Duplicate):
                if what == "open":
                    await self._open(one, who)
                elif what in ("rename", "deliver"):
                    await self._elsewhere(what, one, PEOPLE[other % len(PEOPLE)])
                elif self.conversations:
                    await self._in(
                        what, self.conversations[one % len(self.conversations)], who, other
                    )

    async def _open(self, one: int, who: str) -> None:
        acme = self.cast.acme
        users = [acme.id(name) for n, name in enumerate(PEOPLE[:3]) if one >> n & 1]
        owner = who if one & 8 else None
        new = NewConversation(
            kind=("chat", "support")[one >> 4 & 1],
            owner_id=owner,
            delivery_id=acme.deliveries[one % 3].id if one & 32 else None,
            participants=tuple((each, "member") for each in users),
        )
        made = await conversations.create(self.cast.engine, self.admin, new)
        self.conversations.append(made.id)

    async def _elsewhere(self, what: str, one: int, name: str) -> None:
        engine, acme = self.cast.engine, self.cast.acme
        if what == "rename":
            person = acme.people[name]
            changes = PersonChanges(name=f"{name} {one}")
            await directory.change(engine, self.admin, person.id, person.kind, changes)
            return
        customer, driver = (acme.id(each) for each in (("cleo", "olaf")[one & 1], "dan"))
        given = DeliveryInput(
            id=acme.deliveries[one % 3].id,
            customer_id=customer,
            driver_id=driver if one & 2 else acme.id("olaf"),
            status=f"s{one}",
        )
        await deliveries.save(engine, self.admin, [given])

    async def _in(self, what: str, conversation: str, who: str, other: int) -> None:
        engine, admin = self.cast.engine, self.admin
        match what:
            case "say" | "note":
                draft = Draft(content="x", sender_id=who, private=what == "note")
                await messages.send(engine, admin, conversation, draft)
            case "join":
                await participants.add(engine, admin, conversation, [who], "member")
            case "leave":
                await participants.remove(engine, admin, conversation, [who])
            case "read":
                await participants.mark_read(engine, admin, conversation)
            case "remove":
                await conversations.remove(engine, admin, conversation)
            case "delete":
                await conversations.delete(
                    engine, admin, conversation, "gone", removed=bool(other & 1)
                )
                self.conversations.remove(conversation)
            case "assign":
                await conversations.change(
                    engine, admin, conversation, ConversationChanges(assignee_id=who)
                )
            case "ticket":
                await tickets.open_(engine, admin, conversation)
            case "own":
                await participants.change(engine, admin, conversation, [who], "admin")
