"""A small tenant for property tests: random steps change conversations, and lists are checked."""

import contextlib
from itertools import combinations

from koine.engine import tenants
from koine.engine.contacts import inboxes
from koine.engine.conversations import conversations, messages, participants
from koine.engine.conversations.conversations import ConversationChanges
from koine.engine.core.engine import Engine, open_engine
from koine.engine.people import directory
from koine.kit.clock import FakeClock
from koine.kit.ids import new_id
from koine.model.actor import Actor, operator
from koine.model.conversation import STATUSES, Conversation, NewConversation, Priority
from koine.model.errors import Refusal
from koine.model.filters import ConversationFilter
from koine.model.identity import NewIdentity
from koine.model.inbox import Inbox
from koine.model.message import Draft
from koine.store.core.db import Database
from tests.cast import make_settings

PRIORITIES: tuple[Priority, ...] = ("low", "medium", "high", "urgent")
WHAT = [
    "create", "create", "status", "priority", "assign", "remove", "delete", "join", "leave", "say",
    "wait",
]  # fmt: skip
Step = tuple[str, int, int]
"""An action, and two numbers that choose the conversation and the details."""


class RandomTenant:
    """A new tenant with two users, two contacts and two inboxes, in which steps happen."""

    def __init__(self, engine: Engine, clock: FakeClock, operator_actor: Actor) -> None:
        self.engine = engine
        self.clock = clock
        self.operator = operator_actor
        self.users: list[str] = []
        self.contacts: list[str] = []
        self.inboxes: list[Inbox] = []
        self.alive: list[str] = []

    async def run(self, steps: list[Step]) -> None:
        """Do every step; those that the engine refuses change nothing."""
        for what, one, other in steps:
            with contextlib.suppress(Refusal):
                await self._step(what, one, other)

    async def _step(self, what: str, one: int, other: int) -> None:
        if what == "wait":
            self.clock.advance(seconds=other)
        elif what == "create":
            await self._create(one, other)
        elif self.alive:
            await self._change(what, self.alive[one % len(self.alive)], other)

    async def _create(self, one: int, other: int) -> None:
        new = NewConversation(
            kind=("chat", "order")[one % 2],
            status=STATUSES[other % 4],
            priority=(None, *PRIORITIES)[one % 5],
            inbox_id=[None, *(each.id for each in self.inboxes)][other % 3],
            owner_id=[None, *self.contacts][one % 3],
            participants=tuple((each, "member") for each in self.users[: other % 3]),
        )
        conversation = await conversations.create(self.engine, self.operator, new)
        self.alive.append(conversation.id)

    async def _change(self, what: str, which: str, n: int) -> None:
        engine, operator_actor, user = self.engine, self.operator, self.users[n % 2]
        changes = {
            "status": ConversationChanges(status=STATUSES[n % 4]),
            "priority": ConversationChanges(priority=(None, *PRIORITIES)[n % 5]),
            "assign": ConversationChanges(assignee_id=[None, *self.users][n % 3]),
        }
        if what in changes:
            await conversations.change(engine, operator_actor, which, changes[what])
        elif what == "join":
            await participants.add(engine, operator_actor, which, [user])
        elif what == "leave":
            await participants.remove(engine, operator_actor, which, [user])
        elif what == "say":
            draft = Draft(content="hi", sender_id=user, private=n > 5)
            await messages.send(engine, operator_actor, which, draft)
        else:
            self.alive.remove(which)
            await (
                conversations.remove(engine, operator_actor, which)
                if what == "remove"
                else conversations.delete(engine, operator_actor, which, "over")
            )

    def filters(self) -> list[ConversationFilter]:
        """Every single filter, and some together."""
        f = ConversationFilter
        some = [each for count in (1, 2, 3, 4) for each in combinations(STATUSES, count)]
        inbox, user = self.inboxes[0].id, self.users[0]
        return [
            f(),
            *(f(statuses=each) for each in some),
            *(f(kinds=(kind,)) for kind in ("chat", "order")),
            *(f(priority=each) for each in PRIORITIES),
            *(f(inbox_ids=(each.id,)) for each in self.inboxes),
            f(inbox_ids=tuple(each.id for each in self.inboxes)),
            *(f(owner_ids=(contact,)) for contact in self.contacts),
            *(f(assignee_id=each) for each in self.users),
            *(f(participant_id=who) for who in (*self.users, *self.contacts)),
            *(f(participant_id=user, statuses=each) for each in some),
            f(participant_id=user, kinds=("chat",)),
            f(participant_id=user, priority="medium", assignee_id=user),
            f(statuses=("pending", "snoozed"), inbox_ids=(inbox,)),
        ]


def holds(f: ConversationFilter, c: Conversation, members: set[str]) -> bool:
    """Whether a conversation matches the filter, computed in Python."""
    return (
        (not f.statuses or c.status in f.statuses)
        and (not f.kinds or c.kind in f.kinds)
        and (not f.inbox_ids or c.inbox_id in f.inbox_ids)
        and (not f.owner_ids or c.owner_id in f.owner_ids)
        and f.priority in (None, c.priority)
        and f.assignee_id in (None, c.assignee_id)
        and (f.participant_id is None or f.participant_id in members)
    )


async def new_random_tenant(db: Database) -> RandomTenant:
    """A new tenant, in a database that may have others."""
    clock = FakeClock()
    engine = await open_engine(db, clock, make_settings(), {})
    stored = await tenants.create(engine, "Random", new_id())
    tenant = RandomTenant(engine, clock, operator(stored.id))
    for name in ("ada", "bob"):
        user = NewIdentity(kind="user", name=name, role="agent")
        tenant.users.append((await directory.create(engine, tenant.operator, user)).id)
        contact = NewIdentity(kind="contact", name=f"{name}'s friend")
        tenant.contacts.append((await directory.create(engine, tenant.operator, contact)).id)
        new = inboxes.NewInbox(name=name)
        tenant.inboxes.append(await inboxes.create(engine, tenant.operator, new))
    return tenant
